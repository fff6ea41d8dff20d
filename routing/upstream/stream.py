"""An answer under way: its head is here, its body is read bit by bit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

import aiohttp

from routing.errors import UpstreamError
from routing.upstream.failures import FOREIGN, mapped, timed_out
from routing.upstream.limits import UpstreamLimits


class UpstreamStream:
    """`status` and `headers` (lower-case names); read until b"" and close, or close at any time.

    One reader at a time. Whatever ends a read early - an error, a time limit, cancellation - closes the connection,
    so a time limit is not for polling: the read after it raises UpstreamError("cut").
    """

    __slots__ = (
        "_bytes",
        "_closed",
        "_deadline",
        "_ended",
        "_limits",
        "_response",
        "headers",
        "status",
    )

    def __init__(self, response: aiohttp.ClientResponse, *, deadline: float, limits: UpstreamLimits) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = _plain(response.raw_headers)
        self._response = response
        self._deadline = deadline
        self._limits = limits
        self._bytes = 0
        self._ended = self._closed = False

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed, though we asked for none."""
        return self.headers.get("content-encoding", "").strip().lower() not in ("", "identity")

    @property
    def length(self) -> int:
        """The body's length as announced, 0 where it is not."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    async def read(self, timeout_s: float) -> bytes:
        """What has come since, waiting for it up to `timeout_s`; b"" at the end.

        Raises UpstreamError: "timeout", "cut" (also for a body shorter than announced), "too_large".
        """
        return b"" if self._ended else await self._within(timeout_s, self._next)

    async def body(self) -> bytes:
        """Everything up to the end, within the total time. Of an error status only the first part, or nothing.

        Raises UpstreamError as `read` does.
        """
        if self.status >= 300 and self.encoded:
            await self.aclose()
            return b""
        return await self._within(self._limits.total_s, self._rest)

    async def _within(self, timeout_s: float, read: Callable[[], Awaitable[bytes]]) -> bytes:
        loop = asyncio.get_running_loop()
        until = loop.time() + min(timeout_s, self._deadline - monotonic())
        try:
            async with asyncio.timeout_at(until):
                return await read()
        except FOREIGN as error:
            await self.aclose()
            raise (timed_out() if type(error) is TimeoutError else mapped(error)) from error
        except BaseException:
            await self.aclose()
            raise

    async def _rest(self) -> bytes:
        parts = []
        most = self._limits.error_body_bytes_max if self.status >= 300 else self._limits.response_bytes_max
        while chunk := await self._next():
            parts.append(chunk)
            if self.status >= 300 and self._bytes >= most:
                await self.aclose()
                break
        return parts[0][:most] if len(parts) == 1 else b"".join(parts)[:most]

    async def aclose(self) -> None:
        """Close at once; a connection with unread bytes is not used again. Idempotent, from any task."""
        if not self._closed:
            self._closed = True
            self._response.close()

    async def _next(self) -> bytes:
        if self._closed:
            raise UpstreamError("cut", "The stream was closed.", may_be_billed=True)
        chunk = await self._response.content.readany()
        if not chunk:
            self._ended = True
            await self.aclose()
        self._bytes += len(chunk)
        if self._bytes > self._limits.response_bytes_max:
            most = self._limits.response_bytes_max
            raise UpstreamError("too_large", f"The provider's answer has more than {most} bytes.", may_be_billed=True)
        return chunk


def _plain(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; of a name that comes more than once the values are joined with a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
