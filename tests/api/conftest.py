"""A real uvicorn on loopback in the test's own loop, and the handler without one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from tests.api import urls
from xroute.api.handler import LeanHandler
from xroute.api.limits import Limits
from xroute.web import config

Headers = list[tuple[bytes, bytes]]


@dataclass
class Reply:
    """What came back over ASGI."""

    status: int
    headers: dict[str, str]
    body: bytes
    messages: list[dict[str, Any]] = field(default_factory=list)


def make_scope(
    path: str, method: str = "GET", headers: Headers | None = None, *, named: bool = True, **over: Any
) -> dict[str, Any]:
    named = named and not any(name == b"host" for name, _ in headers or [])
    base: Headers = [(b"host", b"localhost:8000")] if named else []
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8000),
        "headers": base + (headers or []),
    } | over


class Client:
    """Calls a handler directly; `receives` counts how often it was asked for more."""

    def __init__(self, handler: LeanHandler) -> None:
        self.handler = handler
        self.receives = 0

    async def __call__(
        self, path: str, method: str = "GET", headers: Headers | None = None, body: bytes | None = None, **over: Any
    ) -> Reply:
        headers = list(headers or [])
        if body is not None:
            headers.append((b"content-length", b"%d" % len(body)))
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            self.receives += 1
            if self.receives == 1:
                return {"type": "http.request", "body": body or b"", "more_body": False}
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        self.receives = 0
        await self.handler(make_scope(path, method, headers, **over), receive, send)
        shown = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], shown, b"".join(m.get("body", b"") for m in sent[1:]), sent)


@pytest.fixture(autouse=True)
def _clean() -> None:
    urls.seen.clear()
    urls.requests.clear()
    urls.gone = asyncio.Queue()


@pytest.fixture
def handler() -> LeanHandler:
    return LeanHandler("tests.api.urls")


@pytest.fixture
def call(handler: LeanHandler) -> Client:
    return Client(handler)


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """A client of a handler with limits of its own."""
    return lambda **limits: Client(LeanHandler("tests.api.urls", Limits(**limits)))


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, head: str, body: bytes = b"", *, host: str = "Host: localhost\r\n") -> None:
        line, _, rest = head.partition("\r\n")
        self.writer.write(f"{line} HTTP/1.1\r\n{host}{rest}".encode() + b"\r\n" + body)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(5):
            raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in raw[1:] if line)
        return int(raw[0].split()[1]), headers

    async def reply(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        async with asyncio.timeout(5):
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def rest(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.read()

    def close(self) -> None:
        self.writer.transport.abort()


@dataclass
class Served:
    """A handler behind uvicorn."""

    handler: LeanHandler
    port: int
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self.wires.append(wire)
        return wire


@asynccontextmanager
async def serve(handler: LeanHandler) -> AsyncIterator[Served]:
    sock = socket.create_server(("127.0.0.1", 0))
    made = config(handler, "127.0.0.1", 0, drain_s=2, proxies=[])  # type: ignore[arg-type]
    made.lifespan = "off"
    server = uvicorn.Server(made)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    served = Served(handler, sock.getsockname()[1])
    try:
        yield served
    finally:
        for wire in served.wires:
            wire.close()
        server.should_exit = True
        await task


@pytest.fixture
def serving() -> Callable[..., Any]:
    """`async with serving(body_bytes_max=…) as served`."""
    return lambda **limits: serve(LeanHandler("tests.api.urls", Limits(**limits)))


@pytest.fixture
async def served(handler: LeanHandler) -> AsyncIterator[Served]:
    async with serve(handler) as found:
        yield found
