"""An answer under way: its head is here, its body is read bit by bit."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from time import monotonic
from typing import cast

import httpx

from routing.errors import UpstreamError
from routing.upstream.failures import FOREIGN, mapped, timed_out
from routing.upstream.limits import UpstreamLimits


class UpstreamStream:
    """`status` and `headers` (lower-case names); read until b"" and close, or close at any time.

    One reader at a time. Whatever ends a read early - an error, a time limit, cancellation - closes the connection,
    so a time limit is not for polling: the read after it raises UpstreamError("cut").
    """

    __slots__ = ("_bytes", "_chunks", "_closed", "_deadline", "_ended", "_limits", "_reading", "_response", "status")

    def __init__(self, response: httpx.Response, *, deadline: float, limits: UpstreamLimits) -> None:
        self.status = response.status_code
        self._response = response
        self._chunks = cast("AsyncGenerator[bytes, None]", aiter(cast("AsyncIterator[bytes]", response.stream)))
        self._deadline = deadline
        self._limits = limits
        self._bytes = 0
        self._ended = self._closed = self._reading = False

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; of a name that comes twice the values are joined with a comma."""
        return dict(self._response.headers.items())

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed, though we asked for none."""
        return self._response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")

    @property
    def length(self) -> int:
        """The body's length as announced, 0 where it is not."""
        text = self._response.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    async def read(self, timeout_s: float) -> bytes:
        """What has come since, waiting for it up to `timeout_s`; b"" at the end.

        Raises UpstreamError: "timeout", "cut" (also for a body shorter than announced), "too_large".
        """
        if self._ended:
            return b""
        try:
            async with asyncio.timeout_at(self._until(timeout_s)):
                chunk = await self._next()
        except FOREIGN as error:
            await self.aclose()
            raise (timed_out() if type(error) is TimeoutError else mapped(error)) from error
        except BaseException:
            await self.aclose()
            raise
        if not chunk:
            self._ended = True
            await self.aclose()
        return chunk

    async def body(self, timeout_s: float | None = None) -> bytes:
        """Everything up to the end, within the total time. Of an error status only the first part, or nothing.

        Raises UpstreamError as `read` does.
        """
        failed = self.status >= 300
        if failed and self.encoded:
            await self.aclose()
            return b""
        parts = []
        limit_s = self._limits.total_s if timeout_s is None else timeout_s
        while chunk := await self.read(limit_s):
            parts.append(chunk)
            if failed and self._bytes >= self._limits.error_body_bytes_max:
                await self.aclose()
                return b"".join(parts)[: self._limits.error_body_bytes_max]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        """Close at once; a connection with unread bytes is not used again. Idempotent, from any task."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._response.stream.aclose()  # type: ignore[union-attr]
            if not self._reading:
                await self._chunks.aclose()
        except FOREIGN:
            pass  # it is closed; how the other side took it does not matter

    async def _next(self) -> bytes:
        if self._closed:
            raise UpstreamError("cut", "The stream was closed.", may_be_billed=True)
        self._reading = True
        try:
            chunk = await anext(self._chunks, b"")
        finally:
            self._reading = False
        self._bytes += len(chunk)
        if self._bytes > self._limits.response_bytes_max:
            most = self._limits.response_bytes_max
            raise UpstreamError("too_large", f"The provider's answer has more than {most} bytes.", may_be_billed=True)
        return chunk

    def _until(self, timeout_s: float) -> float:
        """The loop's time at which this read must end."""
        now = monotonic()
        return asyncio.get_running_loop().time() + min(timeout_s, self._deadline - now)
