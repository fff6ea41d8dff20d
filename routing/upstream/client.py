"""Sending: one attempt at one provider, as a stream or as a whole."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Self

import aiohttp
from yarl import URL

from routing.errors import UpstreamError
from routing.types import UpstreamRequest
from routing.upstream.connector import begun, opened, session, tls
from routing.upstream.failures import FOREIGN, is_stale, mapped, timed_out
from routing.upstream.limits import UpstreamLimits
from routing.upstream.stream import UpstreamStream

_PIECE_BYTES = 256 * 1024
_URLS_MAX = 10_000


class Upstream:
    """The connections to all providers. Made inside a running event loop; used and closed in the same."""

    def __init__(self, limits: UpstreamLimits | None = None) -> None:
        self.limits = limits or UpstreamLimits()
        context = tls()
        self._kept = session(self.limits, context, reuse=True)
        self._fresh = session(self.limits, context, reuse=False)
        self._closed = False
        self._urls: dict[str, URL] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; calls under way fail with UpstreamError."""
        self._closed = True
        await self._kept.close()
        await self._fresh.close()

    async def fetch(self, request: UpstreamRequest, *, timeout_s: float) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (lower-case names) and the whole body, all within `timeout_s`.

        Error statuses are returned, with the first 64 KB of their body. Raises UpstreamError.
        """
        stream = await self.stream(request, first_byte_s=timeout_s, total_s=timeout_s)
        try:
            return stream.status, stream.headers, await stream.body()
        finally:
            await stream.aclose()

    async def stream(
        self, request: UpstreamRequest, *, first_byte_s: float | None = None, total_s: float | None = None
    ) -> UpstreamStream:
        """The answer once its head has come, at most `first_byte_s` from now; close it when done.

        `total_s` limits all reads together. Redirects are not followed. Raises UpstreamError: "connect" where
        nothing was sent, "timeout" and "cut" after that, "server" for a compressed answer.
        """
        started = monotonic()
        first_byte_s = self.limits.first_byte_s if first_byte_s is None else first_byte_s
        total_s = self.limits.total_s if total_s is None else total_s
        response = await self._answered(request, min(first_byte_s, total_s))
        stream = UpstreamStream(response, deadline=started + total_s, limits=self.limits)
        await self._accept(stream)
        return stream

    async def _answered(self, request: UpstreamRequest, limit_s: float) -> aiohttp.ClientResponse:
        if self._closed:
            raise UpstreamError("connect", "The gateway is shutting down.")
        try:
            async with asyncio.timeout(limit_s) as scope:
                return await self._send(request, limit_s)
        except FOREIGN as error:
            raise (timed_out() if scope.expired() else mapped(error)) from error

    async def _send(self, request: UpstreamRequest, limit_s: float) -> aiohttp.ClientResponse:
        """Send; once more on a new connection where a kept one turns out to be closed.

        A server that closes an idle connection while our request is under way drops it unread. That shows within a
        round trip, so a connection that breaks later was at work on the request: the error stands.
        """
        opened.set(False)
        begun.set(False)
        started = monotonic()
        try:
            return await self._post(self._kept, request, limit_s)
        except FOREIGN as error:
            late = monotonic() - started > self.limits.stale_s
            if opened.get() or late or not is_stale(error):
                raise
        return await self._post(self._fresh, request, limit_s)

    async def _accept(self, stream: UpstreamStream) -> None:
        """Refuse, by the head alone, an answer that must not be read."""
        if stream.status >= 300:
            return
        if stream.encoded:
            await stream.aclose()
            raise UpstreamError(
                "server", "The provider compressed its answer unasked.", status=stream.status, may_be_billed=True
            )
        if stream.length > self.limits.response_bytes_max:
            await stream.aclose()
            raise UpstreamError("too_large", f"The provider's answer has {stream.length} bytes.", may_be_billed=True)

    async def _post(
        self, over: aiohttp.ClientSession, request: UpstreamRequest, limit_s: float
    ) -> aiohttp.ClientResponse:
        connect_s = min(self.limits.connect_s, limit_s)
        body: bytes | AsyncIterator[bytes] = request.body
        headers = request.headers
        if len(request.body) > _PIECE_BYTES:  # at once, it would hold up the event loop
            body = _pieces(request.body)
            headers = {**headers, "Content-Length": str(len(request.body))}
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)
        url = self._urls.get(request.url) or self._url(request.url)
        return await over.request("POST", url, headers=headers, data=body, allow_redirects=False, timeout=timeout)

    def _url(self, text: str) -> URL:
        if len(self._urls) >= _URLS_MAX:
            self._urls.clear()
        url = self._urls[text] = _checked(text)
        return url


def _checked(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError as error:
        raise aiohttp.InvalidURL("unreadable") from error
    if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
        raise aiohttp.InvalidURL("only plain http and https addresses of the catalogue are called")
    return url


def left() -> UpstreamError:
    """For whoever broke off the call of this task: what was never sent cannot be billed."""
    return UpstreamError("cut", "the client left", may_be_billed=begun.get())


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _PIECE_BYTES):
        yield bytes(view[start : start + _PIECE_BYTES])
