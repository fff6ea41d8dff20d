"""A client's calls over real HTTP: what it asks, what it sees of the answer, and what the books say of it."""

import asyncio
import json
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.rows import dict_row

from tests.cast import Person
from tests.processes import Process

CHAT = "/openai/v1/chat/completions"
RECORDS = "SELECT * FROM billing_usagerecord WHERE request_id = %s"
WAIT_S = 30


def body(text: str = "hello", model: str = "sandbox/echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


@dataclass(slots=True)
class Seen:
    """A streamed answer as its client saw it. `whole` says that the connection ended properly."""

    request_id: str
    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    raw: bytes = b""
    whole: bool = False

    @property
    def blocks(self) -> list[str]:
        return [block for block in self.raw.decode().split("\n\n") if block]

    @property
    def comments(self) -> list[str]:
        return [block for block in self.blocks if block.startswith(":")]

    @property
    def events(self) -> list[str]:
        return [block.removeprefix("data: ") for block in self.blocks if block.startswith("data: ")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        return [json.loads(event) for event in self.events if event != "[DONE]"]

    @property
    def done(self) -> bool:
        return bool(self.events) and self.events[-1] == "[DONE]"

    @property
    def text(self) -> str:
        return "".join(c["delta"].get("content") or "" for chunk in self.chunks for c in chunk["choices"])

    @property
    def usage(self) -> dict[str, Any] | None:
        return next((chunk["usage"] for chunk in self.chunks if chunk.get("usage")), None)

    @property
    def error(self) -> dict[str, Any] | None:
        return next((chunk["error"] for chunk in self.chunks if chunk.get("error")), None)


def identified(person: Person, request_id: str = "") -> dict[str, str]:
    return person.headers | {"X-Request-Id": request_id or uuid4().hex}


async def ask(client: httpx.AsyncClient, person: Person, text: str = "hello", model: str = "sandbox/echo", **more):
    """A plain answer."""
    return await client.post(CHAT, json=body(text, model, **more), headers=identified(person))


async def stream(
    client: httpx.AsyncClient,
    person: Person,
    text: str = "hello",
    model: str = "sandbox/echo",
    *,
    leave_after: int | None = None,
    **more: Any,
) -> Seen:
    """A streamed answer, to its end, or until so many chunks with content have come."""
    seen = Seen(uuid4().hex)
    asked = body(text, model, stream=True, **more)
    headers = identified(person, seen.request_id)
    try:
        async with client.stream("POST", CHAT, json=asked, headers=headers) as answer:
            seen.status, seen.headers = answer.status_code, answer.headers
            async for data in answer.aiter_bytes():
                seen.raw += data
                if leave_after is not None and seen.raw.count(b'"content":"') > leave_after:
                    return seen
            seen.whole = True
    except httpx.RemoteProtocolError:
        pass
    return seen


async def records(request_id: str) -> list[dict[str, Any]]:
    """What the ledger has of a request, now."""
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], row_factory=dict_row) as conn:
        return await (await conn.execute(RECORDS, (request_id,))).fetchall()


async def record(request_id: str, *, within_s: float = WAIT_S) -> dict[str, Any]:
    """The one record of a request, as soon as it is there."""
    async with asyncio.timeout(within_s):
        while not (found := await records(request_id)):
            await asyncio.sleep(0.02)
    (only,) = found
    return only


def served(sandbox: Process, request_id: str) -> list[dict[str, Any]]:
    """What the sandbox's book has of a request."""
    return [row for row in sandbox.get("/book") if row["request_id"] == request_id]


async def served_once(sandbox: Process, request_id: str, *, within_s: float = WAIT_S) -> dict[str, Any]:
    """The one row of the sandbox's book, as soon as it is there."""
    async with asyncio.timeout(within_s):
        while not (found := await asyncio.to_thread(served, sandbox, request_id)):
            await asyncio.sleep(0.02)
    (only,) = found
    return only
