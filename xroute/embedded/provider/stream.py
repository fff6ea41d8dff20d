"""A streamed answer, with the faults that streams can have."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from xroute.embedded.provider import shapes
from xroute.embedded.provider.plan import Plan

HOUR_S = 3600.0
ENDLESS_S = 0.01


class Cut(Exception):
    """The connection is to be broken off here."""


class Eof(Exception):
    """The stream is to end here, cleanly and without a finish reason."""


class Streamed:
    """The events of one answer. `tokens` counts what was sent; `finishing` is set before the finish chunk."""

    def __init__(self, plan: Plan, answer_id: str) -> None:
        self._plan, self._id = plan, answer_id
        self.tokens = 0
        self.finishing = False

    async def events(self) -> AsyncIterator[bytes]:
        plan = self._plan
        if plan.fault == "error-200":
            yield shapes.event(plan, shapes.error("The sandbox fails on demand.", kind="server_error"))
            return
        if plan.fault == "empty":
            yield shapes.event(plan, b"[DONE]")
            return
        if plan.fault == "longline":
            yield b"data: " + b"x" * (5 * 2**20) + b"\n\n"
            return
        if plan.fault == "garbage":
            yield b"data: {this is not json\n\n"
            return
        for index in range(plan.n):
            yield self._chunk(index, {"role": "assistant", "content": None if plan.calls else ""})
        try:
            async for data in self._content():
                yield data
        except Eof:
            return
        async for data in self._end():
            yield data

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return shapes.event(self._plan, shapes.chunk(self._plan, self._id, index, delta, finish))

    async def _content(self) -> AsyncIterator[bytes]:
        plan = self._plan
        per_piece = max(1, plan.completion_tokens // max(1, len(plan.pieces)))
        pieces = plan.pieces if plan.fault != "endless" else _endless()
        for sent, piece in enumerate(pieces):
            async for data in self._fault_at(sent):
                yield data
            pause_s = ENDLESS_S if plan.fault == "endless" else plan.delay_s
            pause_s = plan.number / 1000 if plan.fault == "slow" else pause_s
            if pause_s:
                await asyncio.sleep(pause_s)
            for index in range(plan.n):
                yield self._chunk(index, {"content": piece})
            self.tokens = sent + 1 if plan.fault == "endless" else min(self.tokens + per_piece, plan.completion_tokens)
        for position, (name, arguments) in enumerate(plan.calls):
            for data in self._call(position, name, arguments):
                yield data

    async def _fault_at(self, sent: int) -> AsyncIterator[bytes]:
        plan = self._plan
        if sent != plan.number:
            return
        if plan.fault == "cut":
            raise Cut
        if plan.fault == "silence":
            await asyncio.sleep(HOUR_S)
        if plan.fault == "error-midstream":
            yield shapes.event(plan, shapes.error("The sandbox fails on demand, midway.", kind="server_error"))
            raise Cut
        if plan.fault == "eof":
            raise Eof

    def _call(self, position: int, name: str, arguments: str) -> list[bytes]:
        head = shapes.call(position, name, "") | {"index": position}
        half = len(arguments) // 2
        parts = [{"index": position, "function": {"arguments": part}} for part in (arguments[:half], arguments[half:])]
        return [self._chunk(0, {"tool_calls": [delta]}) for delta in (head, *parts)]

    async def _end(self) -> AsyncIterator[bytes]:
        plan = self._plan
        self.tokens, self.finishing = plan.completion_tokens * plan.n, True
        for index in range(plan.n):
            chunk = shapes.chunk(plan, self._id, index, {}, plan.finish_reason)
            if plan.fault == "usage-on-finish" and index == plan.n - 1:
                chunk["usage"] = plan.usage
            yield shapes.event(plan, chunk)
        if plan.fault == "late-usage":
            await asyncio.sleep(plan.number / 1000)
        if plan.include_usage and plan.fault not in ("usage-missing", "usage-on-finish"):
            usage = shapes.ABSURD if plan.fault == "usage-absurd" else plan.usage
            yield shapes.event(plan, shapes.usage_chunk(plan, self._id, usage))
        if plan.fault != "nodone":
            yield b"data:[DONE]" if plan.ragged else b"data: [DONE]\n\n"


def _endless() -> Any:
    while True:
        yield "more "
