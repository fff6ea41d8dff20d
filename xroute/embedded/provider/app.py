"""The ASGI application: three providers on one port, and the ways to look behind them."""

import asyncio
import itertools
import secrets
import time
from collections import Counter
from urllib.parse import parse_qs

import orjson

from xroute.embedded.provider import shapes
from xroute.embedded.provider.before import failed
from xroute.embedded.provider.book import Book, Entry, Forgotten
from xroute.embedded.provider.client import Client, Left, Message, Receive, Send, TooLarge
from xroute.embedded.provider.faults import PLAIN, Fault, short_name
from xroute.embedded.provider.plain import answer_plain
from xroute.embedded.provider.plan import plan
from xroute.embedded.provider.stream import Stream
from xroute.embedded.provider.validate import Refused, authorize, validate

PREFIXES = {"/v1": "a", "/b/v1": "b", "/c/v1": "c"}
SWITCHES = ("a", "b", "c", "toggle")
MODELS = ("sandbox", "echo", "tiny", "reasoner", *(f"fault-{name}" for name in PLAIN))
REQUEST_ID_CHARACTERS_MAX = 200


class Sandbox:
    """`switches` that are on make a whole prefix, or the model fault-toggle, fail with 500."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.switches: set[str] = set()
        self.open = self.served = 0
        self._mark, self._ids = secrets.token_hex(6), itertools.count(1)
        self._counts: Counter[tuple[str, str]] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        for leaf, method in (("/chat/completions", "POST"), ("/models", "GET")):
            prefix = PREFIXES.get(path.removesuffix(leaf)) if path.endswith(leaf) else None
            if prefix and scope["method"] == method:
                await self._provider(prefix, leaf, scope, receive, send)
                return
        await self._behind(path, scope, Client(receive, send))

    async def _provider(self, prefix: str, leaf: str, scope: Message, receive: Receive, send: Send) -> None:
        """What a provider does: refuse, or answer, and count."""
        number = f"{self._mark}{next(self._ids):010x}"
        client = Client(receive, send, [(b"x-request-id", b"req_" + number.encode())])
        headers = dict(scope["headers"])
        self.open += 1
        try:
            if prefix in self.switches:
                raise Refused(500, shapes.status_error(500))
            authorize(headers.get(b"authorization", b""))
            if leaf == "/models":
                await client.answer(200, _models())
            else:
                await self._complete(prefix, f"chatcmpl-{number}", headers, client)
        except Refused as refused:
            await client.answer(refused.status, refused.body)
        except TooLarge:
            await client.answer(413, shapes.error("Request body too large."))
        except Left:
            pass
        finally:
            client.close()
            self.open -= 1
            self.served += 1

    async def _complete(self, prefix: str, answer_id: str, headers: dict[bytes, bytes], client: Client) -> None:
        body, fault = validate(await self._read(prefix, answer_id, headers, client))
        asked = plan(body, fault, answer_id, int(time.time()))
        entry = Entry(
            self._book,
            id=answer_id,
            prefix=prefix,
            model=asked.model,
            stream=asked.stream,
            prompt_tokens=asked.prompt_tokens,
            cached_tokens=asked.cached_tokens,
            request_id=_request_id(headers),
        )
        count = self._count(prefix, fault, asked.model)
        try:
            if asked.first_s:
                await client.pause(asked.first_s)
            switched = "toggle" in self.switches
            if await failed(fault, client, stream=asked.stream, count=count, switched=switched):
                return
            if asked.stream:
                await Stream(asked, client, entry, count).run()
            else:
                await answer_plain(asked, client, entry, count)
        except Left:
            entry.write("aborted")
            raise
        except asyncio.CancelledError:
            entry.write("fault")  # this server stops
            raise

    async def _read(self, prefix: str, answer_id: str, headers: dict[bytes, bytes], client: Client) -> bytes:
        """The body. Whoever leaves before it is read has sent something, and cannot know what became of it."""
        try:
            return await client.read()
        except Left:
            entry = Entry(self._book, answer_id, prefix, "", False, 0, 0, request_id=_request_id(headers))
            entry.write("unread")
            raise

    def _count(self, prefix: str, fault: Fault, model: str) -> int:
        """Which request for this faulty model it is, from 1; others are not counted, as names may be without end."""
        if not fault.kind:
            return 0
        key = prefix, short_name(model)
        self._counts[key] += 1
        return self._counts[key]

    async def _behind(self, path: str, scope: Message, client: Client) -> None:
        """For tests and people: /healthz, /book, /switch."""
        what = scope["method"], *path.strip("/").split("/")
        match what:
            case ("GET", "healthz"):
                await client.answer(200, orjson.dumps({"open": self.open, "served": self.served}))
            case ("GET", "book"):
                await self._show_book(scope["query_string"], client)
            case ("POST", "switch", name, "on" | "off" as state) if name in SWITCHES:
                (self.switches.add if state == "on" else self.switches.discard)(name)
                await client.answer(200, orjson.dumps({"on": sorted(self.switches)}))
            case _:
                message = f"Unknown request URL: {scope['method']} {path}."
                await client.answer(404, shapes.error(message, code="unknown_url"))

    async def _show_book(self, query: bytes, client: Client) -> None:
        after = parse_qs(query.decode("latin-1")).get("after", ["0"])[-1]
        if not after.isdecimal():
            await client.answer(400, shapes.error("'after' is a number.", param="after"))
            return
        try:
            await client.answer(200, self._book.after(int(after)))
        except Forgotten:
            await client.answer(410, shapes.error("Some of these rows are in the file only.", param="after"))


def _models() -> bytes:
    data = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"} for name in MODELS]
    return orjson.dumps({"object": "list", "data": data})


def _request_id(headers: dict[bytes, bytes]) -> str | None:
    value = headers.get(b"x-request-id") or headers.get(b"x-client-request-id")
    return value.decode("latin-1")[:REQUEST_ID_CHARACTERS_MAX] if value else None
