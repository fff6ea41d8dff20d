"""The bounded queue between a stream's task and the response that reads it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from routing import sse


class Stalled(Exception):
    """The client reads too slowly: its connection is ended."""


class Relay:
    """Written by the generation's task, read by the response. Bounded in bytes; never blocks a settlement."""

    def __init__(self, *, bytes_max: int, stall_s: float, keepalive_s: float) -> None:
        self._bytes_max, self._stall_s, self._keepalive_s = bytes_max, stall_s, keepalive_s
        self._items: deque[bytes] = deque()
        self._size = 0
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._closed = False
        self._abandoned = False
        self._gone = False
        self.error: BaseException | None = None
        self.begun = False

    async def put(self, data: bytes) -> bool:
        """Queue `data`; False where the reader is gone or has stalled."""
        if self._abandoned:
            return False
        if self._size > self._bytes_max and not await self._room():
            return False
        self._items.append(data)
        self._size += len(data)
        self._readable.set()
        return True

    async def _room(self) -> bool:
        try:
            async with asyncio.timeout(self._stall_s):
                while self._size > self._bytes_max and not self._abandoned:
                    self._writable.clear()
                    await self._writable.wait()
        except TimeoutError:
            self.abandon()
        return not self._abandoned

    def abandon(self, *, gone: bool = False) -> None:
        """Nothing more is queued and nobody waits for room: the reader is `gone`, or has stalled."""
        self._abandoned = True
        self._gone = self._gone or gone
        self._writable.set()
        self._readable.set()

    def close(self, error: BaseException | None = None) -> None:
        """No more comes; with an error before anything was queued, the response becomes that error."""
        self.error = error
        self._closed = True
        self._readable.set()

    async def started(self, timeout_s: float) -> None:
        """Wait until something is queued or it is closed, but no longer than that."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._readable.wait()
        except TimeoutError:
            pass
        if self.error is not None and not self._items:
            raise self.error
        self.begun = True

    async def read(self) -> AsyncIterator[bytes]:
        """All that is queued, as it comes; a comment after every silence."""
        while True:
            if self._items:
                yield self._take()
                continue
            if self._closed or self._gone:
                return
            if self._abandoned:
                raise Stalled
            self._readable.clear()
            try:
                async with asyncio.timeout(self._keepalive_s):
                    await self._readable.wait()
            except TimeoutError:
                yield sse.comment("still working")

    def _take(self) -> bytes:
        """Everything queued, in one write: a burst of chunks costs one system call."""
        data = self._items[0] if len(self._items) == 1 else b"".join(self._items)
        self._items.clear()
        self._size = 0
        self._writable.set()
        return data
