"""One call of a client: what it asks, and what it saw of the answer."""

import asyncio
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import aiohttp
import orjson

Outcome = Literal["running", "complete", "refused", "ended", "left", "broken"]
MODELS = ("sandbox/three", "sandbox/failover", "sandbox/flaky", "sandbox/reasoner", "sandbox/echo")
LEAVE_SHARE, STREAM_SHARE, QUIET_SHARE = 0.12, 0.6, 0.2
current: ContextVar["Call"] = ContextVar("current")


@dataclass(slots=True)
class Call:
    """`outcome` is complete only where the client has the answer's very end."""

    request_id: str
    key: str
    body: dict[str, Any]
    leave_after_s: float | None
    started: float = field(default_factory=time.time)
    ended: float = 0.0
    outcome: Outcome = "running"
    status: int = 0
    code: str = ""
    retry_after: str = ""
    generation: str = ""
    cost: float | None = None
    sock: socket.socket | None = None

    @property
    def stream(self) -> bool:
        return bool(self.body["stream"])

    @property
    def port(self) -> int:
        """Of our end of its connection."""
        try:
            return int(self.sock.getsockname()[1]) if self.sock else 0
        except OSError:
            return 0


def make_call(random: Random, request_id: str, key: str) -> Call:
    """A call that takes a quarter of a second to two."""
    stream = random.random() < STREAM_SHARE
    if stream:
        asked = f"[[tokens={random.randint(8, 60)}]] [[delay_ms={random.randint(15, 50)}]]"
    else:
        asked = f"[[tokens={random.randint(1, 400)}]] [[first_ms={random.randint(250, 1500)}]]"
    text = f"{asked} [[cached={random.choice((0, 0, 5))}]] {'sea ' * random.randint(1, 40)}"
    body: dict[str, Any] = {"model": random.choice(MODELS), "messages": [{"role": "user", "content": text}]}
    body["stream"] = stream
    if stream and random.random() > QUIET_SHARE:
        body["stream_options"] = {"include_usage": True}
    leaves = random.random() < LEAVE_SHARE
    return Call(request_id, key, body, random.uniform(0.02, 0.9) if leaves else None)


def remembered_socket(address: Any) -> socket.socket:
    """For aiohttp: the socket of the call that is being made."""
    made = socket.socket(family=address[0], type=address[1], proto=address[2])
    current.get().sock = made
    return made


async def perform(session: aiohttp.ClientSession, url: str, call: Call) -> None:
    """Make the call, and note what became of it."""
    current.set(call)
    try:
        async with asyncio.timeout(call.leave_after_s):
            await _perform(session, url, call)
    except TimeoutError:
        call.outcome = "left"
    except (aiohttp.ClientError, OSError) as error:
        call.outcome, call.code = "broken", type(error).__name__
    call.ended = time.time()


async def _perform(session: aiohttp.ClientSession, url: str, call: Call) -> None:
    headers = {"Authorization": f"Bearer {call.key}", "X-Request-Id": call.request_id}
    async with session.post(f"{url}/openai/v1/chat/completions", json=call.body, headers=headers) as answer:
        call.status = answer.status
        if answer.status != 200:
            call.retry_after = answer.headers.get("retry-after", "")
            call.code = orjson.loads(await answer.read())["error"]["code"]
            call.outcome = "refused"
        elif call.stream:
            call.outcome = "complete" if await _read_stream(answer, call) else "ended"
        else:
            found = orjson.loads(await answer.read())
            call.generation, call.cost, call.outcome = found["id"], found["usage"]["cost"], "complete"


async def _read_stream(answer: aiohttp.ClientResponse, call: Call) -> bool:
    """Whether it came to its proper end."""
    done = False
    async for raw in answer.content:
        data = raw.strip().removeprefix(b"data: ")
        if data == b"[DONE]":
            done = True
        elif data.startswith(b"{"):
            chunk = orjson.loads(data)
            call.generation = chunk["id"]
            call.code = chunk.get("error", {}).get("code", call.code)
            call.cost = (chunk.get("usage") or {}).get("cost", call.cost)
    return done
