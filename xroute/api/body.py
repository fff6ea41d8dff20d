"""The body of a request, read into memory within every limit: size, all bodies together, time, encoding."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from xroute.api.limits import Limits
from xroute.lib.errors import ApiError, invalid, unavailable

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
# An unread body up to this size is left to the server to skip; a longer one ends the connection.
SKIP_BYTES_MAX = 64 * 1024
LINGER_S = 2.0


class ClientGone(Exception):
    """The client went away before its request had arrived: there is no one to answer."""


class Bodies:
    """How many bytes of request bodies this process holds."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_held = 0

    def hold(self, size: int) -> None:
        """Reserve `size` bytes, or raise ApiError 503."""
        if self.bytes_held + size > self.bytes_max:
            raise unavailable("Too many large requests are being read right now. Try again shortly.")
        self.bytes_held += size

    def release(self, size: int) -> None:
        self.bytes_held -= size


class Incoming:
    """The body of one request. `unread` says that some of it has not been taken from the connection."""

    __slots__ = ("_bodies", "_encoding", "_held", "_limits", "_receive", "_upgrade", "declared", "unread")

    def __init__(self, meta: Mapping[str, Any], receive: Receive, bodies: Bodies, limits: Limits) -> None:
        length = meta.get("CONTENT_LENGTH", "")
        self.declared = int(length) if length.isdecimal() else None
        self.unread = length not in ("", "0") or "HTTP_TRANSFER_ENCODING" in meta
        self._encoding: str = meta.get("HTTP_CONTENT_ENCODING", "")
        self._upgrade = "HTTP_UPGRADE" in meta
        self._receive = receive
        self._bodies = bodies
        self._limits = limits
        self._held = 0

    @property
    def ends_connection(self) -> bool:
        """Whether what is unread is too much, or of unknown length, to be skipped on a kept connection."""
        return self.unread and (self._upgrade or self.declared is None or self.declared > SKIP_BYTES_MAX)

    async def read(self) -> bytes:
        """The whole body; raises ApiError 413, 415, 408 or 503, or ClientGone."""
        if not self.unread:
            return b""
        if self._encoding.strip().lower() not in ("", "identity"):
            raise invalid(
                "The body is compressed. Send it as it is, without Content-Encoding.",
                code="unsupported_encoding",
                status=415,
            )
        if self._upgrade:
            # The server's parser gives up the body here, and would take it for the next request.
            raise invalid("A request with a body cannot ask for an Upgrade. Use plain HTTP/1.1.", code="bad_request")
        if self.declared is not None:
            self._reserve(self.declared)
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                return await self._collect()
        except TimeoutError:
            message = f"The body did not arrive within {self._limits.body_timeout_s:g} s."
            raise ApiError(408, "invalid_request_error", "request_timeout", message) from None

    async def _collect(self) -> bytes:
        buffer = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part: bytes = message.get("body", b"")
            self._reserve(len(buffer) + len(part))
            if not message.get("more_body", False):
                self.unread = False
                return bytes(buffer) + part if buffer else part
            buffer += part

    def _reserve(self, size: int) -> None:
        """Hold `size` bytes in all; nothing is read that was not reserved first."""
        size_max = self._limits.body_bytes_max
        if size > size_max:
            raise invalid(
                f"The body is longer than the {size_max} bytes this server accepts.",
                code="request_too_large",
                status=413,
            )
        if size > self._held:
            self._bodies.hold(size - self._held)
            self._held = size

    async def discard(self) -> None:
        """Read on for a moment without keeping anything, so that a client still sending sees its answer.

        Closing a connection with unread bytes resets it, and some clients then lose the answer.
        """
        left = 2 * self._limits.body_bytes_max
        try:
            async with asyncio.timeout(LINGER_S):
                while self.unread and left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self.unread = message["type"] == "http.request" and message.get("more_body", False)
        except TimeoutError:
            pass

    def release(self) -> None:
        """Give the reservation back: the request is over."""
        self._bodies.release(self._held)
        self._held = 0
