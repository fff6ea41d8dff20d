"""The other end of one request: reading, writing, waiting, and noticing that it has left."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

BODY_BYTES_MAX = 64 * 2**20
JSON: Header = (b"content-type", b"application/json")


class Left(Exception):
    """The client has closed its connection."""


class TooLarge(Exception):
    """The request's body."""


class Client:
    """`close` it at the end. Once `watch` was called, every write and pause raises Left when the client has left."""

    def __init__(self, receive: Receive, send: Send, always: Iterable[Header] = ()) -> None:
        self._receive, self._send, self._always = receive, send, tuple(always)
        self._left: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        """The whole body. Raises Left or TooLarge."""
        parts, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Left
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > BODY_BYTES_MAX:
                raise TooLarge
            more = message.get("more_body", False)
        return b"".join(parts)

    def watch(self) -> asyncio.Task[None]:
        """From now on, notice."""
        if self._left is None:
            self._left = asyncio.create_task(self._gone())
        return self._left

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def pause(self, seconds: float) -> None:
        """Wait; not any longer than the client does."""
        if (await asyncio.wait({self.watch()}, timeout=seconds))[0]:
            raise Left

    async def start(self, status: int, *headers: Header) -> None:
        """The status and the headers leave at once."""
        if self._left and self._left.done():
            raise Left
        message = {"type": "http.response.start", "status": status, "headers": [*headers, *self._always]}
        await self._send(message)

    async def write(self, data: bytes) -> None:
        """A part of the body, as a write of its own."""
        if self._left and self._left.done():
            raise Left
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The last part. Who returns without it cuts the connection."""
        await self._send({"type": "http.response.body", "body": data})

    async def answer(self, status: int, body: bytes, *headers: Header, kind: Header = JSON) -> None:
        """A whole answer."""
        await self.start(status, kind, (b"content-length", b"%d" % len(body)), *headers)
        await self.end(body)

    def close(self) -> None:
        if self._left:
            self._left.cancel()
