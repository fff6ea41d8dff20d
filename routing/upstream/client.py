"""Sending: one attempt at one provider, as a stream or as a whole."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Any, Self

import httpx
from httpx_aiohttp import AiohttpTransport

from routing.errors import UpstreamError
from routing.types import UpstreamRequest
from routing.upstream.connector import opened, session, tls
from routing.upstream.failures import FOREIGN, is_stale, mapping, timed_out
from routing.upstream.limits import UpstreamLimits
from routing.upstream.stream import UpstreamStream

_PIECE_BYTES = 256 * 1024
_URLS_MAX = 10_000


class Upstream:
    """The connections to all providers. Made inside a running event loop; used and closed in the same."""

    def __init__(self, limits: UpstreamLimits | None = None) -> None:
        self.limits = limits or UpstreamLimits()
        context = tls()
        self._transport = _transport(session(self.limits, context, reuse=True), context)
        self._fresh = _transport(session(self.limits, context, reuse=False), context)
        self._closed = False
        self._urls: dict[str, httpx.URL] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; calls under way fail with UpstreamError."""
        self._closed = True
        await self._transport.aclose()
        await self._fresh.aclose()

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

    async def _answered(self, request: UpstreamRequest, limit_s: float) -> httpx.Response:
        if self._closed:
            raise UpstreamError("connect", "The gateway is shutting down.")
        with mapping():
            try:
                async with asyncio.timeout(limit_s) as scope:
                    return await self._send(request, limit_s)
            except TimeoutError as error:
                if scope.expired():
                    raise timed_out() from error
                raise

    async def _send(self, request: UpstreamRequest, limit_s: float) -> httpx.Response:
        """Send; once more on a new connection where a kept one turns out to be closed.

        A server that closes an idle connection while our request is under way drops it unread. That shows within a
        round trip, so a connection that breaks later was at work on the request: the error stands.
        """
        opened.set(False)
        started = monotonic()
        try:
            return await self._transport.handle_async_request(self._out(request, limit_s))
        except FOREIGN as error:
            late = monotonic() - started > self.limits.stale_s
            if opened.get() or late or not is_stale(error):
                raise
        return await self._fresh.handle_async_request(self._out(request, limit_s))

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

    def _out(self, request: UpstreamRequest, limit_s: float) -> httpx.Request:
        url = self._urls.get(request.url)
        if url is None:
            if len(self._urls) >= _URLS_MAX:
                self._urls.clear()
            url = self._urls[request.url] = _checked(request.url)
        connect_s = min(self.limits.connect_s, limit_s)
        body: bytes | AsyncIterator[bytes] = request.body
        headers = dict(request.headers)
        if len(request.body) > _PIECE_BYTES:  # at once, it would hold up the event loop
            body = _pieces(request.body)
            headers["Content-Length"] = str(len(request.body))
        extensions: dict[str, Any] = {"timeout": {"connect": connect_s, "pool": connect_s}}
        return httpx.Request("POST", url, headers=headers, content=body, extensions=extensions)


def _transport(client: Any, context: Any) -> AiohttpTransport:
    return AiohttpTransport(client=client, verify=context, trust_env=False)


def _checked(url: str) -> httpx.URL:
    parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise httpx.UnsupportedProtocol("only plain http and https addresses of the catalogue are called")
    return parsed


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _PIECE_BYTES):
        yield bytes(view[start : start + _PIECE_BYTES])
