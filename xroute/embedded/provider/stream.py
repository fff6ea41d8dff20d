"""A streamed answer, with the faults that streams can have."""

import asyncio
from collections.abc import Iterator

import orjson

from xroute.embedded.provider import shapes
from xroute.embedded.provider.book import Entry
from xroute.embedded.provider.client import Client, Header
from xroute.embedded.provider.faults import ZERO, absurd, halved
from xroute.embedded.provider.plain import ENDLESS_S, cuts
from xroute.embedded.provider.plan import Plan
from xroute.embedded.provider.tokens import BYTES_PER_TOKEN, tokens_of_bytes

EVENTS: Header = (b"content-type", b"text/event-stream; charset=utf-8")
HOUR_S = 3600.0
TURN_CHUNKS = 32
BREAKS = ("cut", "eof", "silence", "error-midstream")


class Stream:
    """One streamed answer; `run` it once. The row is written before the first finish reason leaves."""

    def __init__(self, plan: Plan, client: Client, entry: Entry, count: int) -> None:
        self._plan, self._client, self._entry, self._count = plan, client, entry, count
        self._chunks = shapes.Chunks(plan)
        self._fault = plan.fault.kind
        self._delay_s = plan.delay_s or (ENDLESS_S if self._fault == "endless" else 0)

    async def run(self) -> None:
        """Raises Left when the client does."""
        self._client.watch()
        await self._client.start(200, EVENTS, (b"cache-control", b"no-cache"))
        if self._fault == "garbage":
            await self._event(b"{this is not json")
        elif self._fault == "error-200":
            await self._event(shapes.status_error(500))
        elif self._fault == "empty":
            await self._event(b"[DONE]")
        elif not await self._content():
            return await self._break()
        else:
            await self._finish()
        await self._client.end()

    async def _event(self, payload: bytes) -> None:
        if self._fault == "bytewise":
            for byte in b"data: %b\n\n" % payload:
                await self._client.write(bytes((byte,)))
                await self._client.pause(0)
        elif self._plan.ragged:
            ending = b"" if payload == b"[DONE]" else b"\r\n\r\n"
            for part in cuts(b"data:" + payload + ending):
                await self._client.write(part)
                await self._client.pause(0)
        else:
            await self._client.write(b"data: %b\n\n" % payload)

    async def _content(self) -> bool:
        """Role and content chunks; False where a fault breaks in."""
        plan, entry = self._plan, self._entry
        first = b'{"role":"assistant","content":%b,"refusal":null}' % (b"null" if plan.answer.calls else b'""')
        entry.completion_tokens = entry.reasoning_tokens = plan.reasoning_tokens * plan.n
        for index in range(plan.n):
            await self._event(self._chunks.delta(index, first))
        size = 0
        for sent, (delta, bytes_more) in enumerate(self._deltas()):
            if sent == plan.fault.number and self._fault in BREAKS:
                return False
            await self._wait(sent)
            size += bytes_more
            entry.completion_tokens = (tokens_of_bytes(size) + plan.reasoning_tokens) * plan.n
            for index in range(plan.n):
                await self._event(self._chunks.delta(index, delta))
        return self._fault not in BREAKS

    async def _wait(self, sent: int) -> None:
        """As long as was asked; in between every other request gets its turn, too."""
        if self._delay_s:
            await self._client.pause(self._delay_s)
        elif sent % TURN_CHUNKS == TURN_CHUNKS - 1:
            await asyncio.sleep(0)

    def _deltas(self) -> Iterator[tuple[bytes, int]]:
        """Every delta after the role's, and how many bytes of the completion it carries."""
        while self._fault == "endless":
            yield b'{"content":"sea "}', BYTES_PER_TOKEN
        for piece in self._plan.answer.pieces():
            yield b'{"content":%b}' % orjson.dumps(piece), len(piece.encode())
        for position, (name, arguments) in enumerate(self._plan.answer.calls):
            head = {"index": position, **shapes.call(self._plan, position, name, "")}
            yield orjson.dumps({"tool_calls": [head]}), len(name.encode())
            for start in range(0, len(arguments), BYTES_PER_TOKEN):
                part = arguments[start : start + BYTES_PER_TOKEN]
                delta = {"index": position, "function": {"arguments": part}}
                yield orjson.dumps({"tool_calls": [delta]}), len(part.encode())

    async def _break(self) -> None:
        """Go silent, say so, or just stop; without an end the server closes the connection."""
        if self._fault == "silence":
            await self._client.pause(HOUR_S)
        self._entry.write("fault")
        if self._fault == "cut":
            return
        if self._fault == "error-midstream":
            await self._event(shapes.status_error(500))
        await self._client.end()

    async def _finish(self) -> None:
        plan, usage = self._plan, shapes.usage(self._plan)
        self._entry.completion_tokens = plan.completion_tokens * plan.n
        self._entry.write("complete")
        finish = orjson.dumps(plan.answer.finish_reason)
        for index in range(plan.n):
            last = index == plan.n - 1 and self._fault in ("usage-on-finish", "usage-twice")
            early = halved(usage) if self._fault == "usage-twice" else usage
            await self._event(self._chunks.delta(index, b"{}", finish, early if last else None))
        if self._fault == "late-usage":
            await self._client.pause(plan.fault.number / 1000)
        if self._fault == "usage-absurd":
            usage = absurd(plan.fault.number, self._count)
        if self._fault == "usage-zero":
            usage = ZERO
        if plan.include_usage and self._fault not in ("usage-missing", "usage-on-finish"):
            await self._event(self._chunks.usage(usage))
        if self._fault != "nodone":
            await self._event(b"[DONE]")
