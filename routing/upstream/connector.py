"""Connections: aiohttp's pool with our limits, and an end to each connection that is really one."""

import contextvars
import ssl
from typing import Any

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler

from routing.upstream.limits import UpstreamLimits

# Whether the call of this task has opened a connection, rather than reused one.
opened: contextvars.ContextVar[bool] = contextvars.ContextVar("upstream_opened", default=False)
# Whether it has a connection, and so may have sent something.
begun: contextvars.ContextVar[bool] = contextvars.ContextVar("upstream_begun", default=False)


class Connector(aiohttp.TCPConnector):
    """Overrides three hooks of aiohttp: how a connection is had, how it is made, and how it is given back."""

    def __init__(self, *, keepalive_per_host_max: int, **options: Any) -> None:
        super().__init__(**options)
        self._keepalive_per_host_max = keepalive_per_host_max

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(*args, **kwargs)
        begun.set(True)
        return connection

    async def _create_connection(self, *args: Any, **kwargs: Any) -> ResponseHandler:
        opened.set(True)
        return await super()._create_connection(*args, **kwargs)

    def _release(self, key: Any, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        full = len(self._conns.get(key, ())) >= self._keepalive_per_host_max
        if should_close or full or protocol.should_close or self._force_close:
            # A plain close() first sends what is buffered, and so would wait for a peer that has stopped reading.
            protocol.abort()
            should_close = True
        super()._release(key, protocol, should_close=should_close)


def session(limits: UpstreamLimits, context: ssl.SSLContext, *, reuse: bool) -> aiohttp.ClientSession:
    """A session without memory: no cookies, no proxy or netrc from the environment, nothing decompressed."""
    options: dict[str, Any] = {"keepalive_timeout": limits.keepalive_s} if reuse else {"force_close": True}
    connector = Connector(
        keepalive_per_host_max=limits.keepalive_per_host_max,
        limit=limits.connections_max,  # aiohttp's own default is 100
        limit_per_host=limits.connections_per_host_max,
        ttl_dns_cache=limits.dns_cache_s,
        ssl=context,
        **options,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        max_line_size=limits.header_bytes_max,
        max_field_size=limits.header_bytes_max,
    )


def tls() -> ssl.SSLContext:
    """Certificates are checked against certifi's roots and the system's (SSL_CERT_FILE counts)."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context
