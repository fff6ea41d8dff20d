"""Each failure with a real socket, mapped as the breaker, the failover and the bill need it."""

import asyncio
import gzip
import socket
import struct

import pytest

from routing.errors import UpstreamError
from routing.upstream import Upstream, UpstreamLimits, left
from tests.routing.wire import always, answer, read_request, request, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def small(**limits) -> UpstreamLimits:
    return UpstreamLimits(**{"connect_s": 1, "first_byte_s": 1, "total_s": 5, **limits})


async def failure(base: str, limits: UpstreamLimits | None = None, timeout_s: float = 2, body=b"{}") -> UpstreamError:
    async with Upstream(limits or small()) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await upstream.fetch(request(base, body), timeout_s=timeout_s)
    return caught.value


async def reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def test_a_whole_answer():
    async with (
        serving(always(answer(b"hello", headers="X-Thing: 1\r\nX-Thing: 2\r\n"))) as base,
        Upstream() as upstream,
    ):
        status, headers, body = await upstream.fetch(request(base), timeout_s=2)
    assert (status, body, headers["x-thing"]) == (200, b"hello", "1, 2")


async def test_only_our_own_headers_go_out():
    seen = {}

    async def handler(reader, writer):
        headers, _ = await read_request(reader)
        seen.update(headers)
        writer.write(answer(b"{}", headers="Set-Cookie: a=b; Path=/\r\n"))
        await read_request(reader)

    async with serving(handler) as base, Upstream() as upstream:
        own = {"User-Agent": "xroute", "Accept": "application/json", "Accept-Encoding": "identity"}
        own["Content-Type"] = "application/json"
        await upstream.fetch(request(base, Authorization="Bearer k", **own), timeout_s=2)
    assert set(seen) == {"host", "authorization", "content-length", *(name.lower() for name in own)}


async def test_cookies_of_one_answer_do_not_go_out_with_the_next_request():
    seen = []

    async def handler(reader, writer):
        while True:
            headers, _ = await read_request(reader)
            seen.append(headers)
            writer.write(answer(b"{}", headers="Set-Cookie: tenant=1; Path=/\r\n"))

    async with serving(handler) as base, Upstream() as upstream:
        for _ in range(2):
            named = base.replace("127.0.0.1", "localhost")  # aiohttp keeps no cookies of bare addresses anyway
            await upstream.fetch(request(named), timeout_s=2)
    assert len(seen) == 2
    assert "cookie" not in seen[1]


async def test_the_environment_names_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(always(answer(b"direct"))) as base, Upstream() as upstream:
        assert (await upstream.fetch(request(base), timeout_s=2))[2] == b"direct"


async def test_refused_was_never_sent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    error = await failure(base)
    assert (error.kind, error.may_be_billed, error.retryable) == ("connect", False, True)
    assert error.__cause__ is not None


async def test_an_unknown_name_was_never_sent():
    error = await failure("http://nowhere.invalid")
    assert (error.kind, error.may_be_billed) == ("connect", False)


async def test_no_room_in_the_backlog_is_a_connect_failure():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(full.getsockname())
            waiting.append(other)
        error = await failure(f"http://127.0.0.1:{full.getsockname()[1]}", small(connect_s=0.2))
        for other in waiting:
            other.close()
    assert (error.kind, error.may_be_billed) == ("connect", False)


async def test_no_tls_at_the_other_end_is_a_connect_failure():
    async with serving(always(b"this is no TLS\r\n\r\n")) as base:
        error = await failure(base.replace("http:", "https:"), small(connect_s=0.3))
    assert (error.kind, error.may_be_billed) == ("connect", False)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pw@127.0.0.1/", "http://"])
async def test_only_plain_web_addresses(url):
    error = await failure(url)
    assert (error.kind, error.may_be_billed) == ("connect", False)


async def test_a_slow_first_byte_may_be_billed():
    async def handler(reader, writer):
        await read_request(reader)
        await asyncio.sleep(10)

    async with serving(handler) as base:
        error = await failure(base, timeout_s=0.2)
    assert (error.kind, error.may_be_billed, error.retryable) == ("timeout", True, False)


async def test_the_total_time_holds_though_bytes_trickle():
    async def handler(reader, writer):
        await read_request(reader)
        writer.write(CHUNKED)
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(handler) as base:
        error = await failure(base, timeout_s=0.3)
        assert error.kind == "timeout"
        async with Upstream() as upstream:
            stream = await upstream.stream(request(base), first_byte_s=1, total_s=0.3)
            with pytest.raises(UpstreamError, match="in time"):
                await stream.body()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", answer(b"12345")[:-2], CHUNKED + b"5\r\n123"])
async def test_a_connection_that_breaks_off_is_cut(head):
    for end in ("close", "reset"):

        async def handler(reader, writer, end=end):
            await read_request(reader)
            writer.write(head)
            if end == "reset":
                await reset(writer)

        async with serving(handler) as base:
            error = await failure(base)
        assert (error.kind, error.may_be_billed) == ("cut", True), end


async def test_what_is_no_http_is_a_server_error():
    async with serving(always(b"SSH-2.0-OpenSSH\r\n\r\n")) as base:
        error = await failure(base)
    assert (error.kind, error.may_be_billed) == ("server", True)


async def test_a_compressed_answer_is_refused_unread():
    bomb = gzip.compress(b"0" * 10_000_000)
    async with serving(always(answer(bomb, headers="Content-Encoding: gzip\r\n"))) as base:
        error = await failure(base)
    assert (error.kind, error.may_be_billed) == ("server", True)


async def test_of_a_compressed_error_the_status_counts():
    raw = answer(gzip.compress(b"slow down"), status="429 Slow", headers="Content-Encoding: gzip\r\nRetry-After: 3\r\n")
    async with serving(always(raw)) as base, Upstream() as upstream:
        status, headers, body = await upstream.fetch(request(base), timeout_s=2)
    assert (status, headers["retry-after"], body) == (429, "3", b"")


async def test_an_announced_size_over_the_limit_is_refused_unread():
    async with serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")) as base:
        error = await failure(base)
    assert (error.kind, error.may_be_billed) == ("too_large", True)


async def endless(reader, writer):
    await read_request(reader)
    writer.write(CHUNKED)
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def test_an_endless_answer_is_cut_at_the_limit():
    async with serving(endless) as base:
        error = await failure(base, small(response_bytes_max=300_000))
    assert (error.kind, error.may_be_billed) == ("too_large", True)


async def test_an_error_body_is_cut_at_its_limit():
    async def handler(reader, writer):
        await read_request(reader)
        writer.write(CHUNKED.replace(b"200 OK", b"500 No"))
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    async with serving(handler) as base, Upstream(small(error_body_bytes_max=50_000)) as upstream:
        status, _, body = await upstream.fetch(request(base), timeout_s=2)
    assert (status, len(body)) == (500, 50_000)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_redirects_are_not_followed(status):
    asked = []

    async def handler(reader, writer):
        await read_request(reader)
        asked.append(1)
        writer.write(answer(b"", status=status, headers="Location: /elsewhere\r\n"))

    async with serving(handler) as base, Upstream() as upstream:
        result, _, _ = await upstream.fetch(request(base), timeout_s=2)
    assert result == int(status[:3])
    assert len(asked) == 1


async def test_a_body_of_20_mb_goes_out_whole():
    body = bytes(range(256)) * (20 * 4096)

    async def handler(reader, writer):
        headers, got = await read_request(reader)
        assert "transfer-encoding" not in headers
        writer.write(answer(b"same" if got == body else b"different"))

    async with serving(handler) as base, Upstream() as upstream:
        assert (await upstream.fetch(request(base, body), timeout_s=20))[2] == b"same"


async def test_a_kept_connection_is_used_again():
    connections = []

    async def handler(reader, writer):
        connections.append(1)
        await always(answer(b"ok"))(reader, writer)

    async with serving(handler) as base, Upstream() as upstream:
        for _ in range(5):
            await upstream.fetch(request(base), timeout_s=2)
    assert len(connections) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_stale_connection_is_replaced_once(end):
    """The server closes the kept connection just when the second request arrives."""
    connections = []

    async def handler(reader, writer):
        connections.append(1)
        await read_request(reader)
        writer.write(answer(b"ok"))
        if len(connections) == 1:
            await read_request(reader)
            if end == "reset":
                await reset(writer)

    async with serving(handler) as base, Upstream() as upstream:
        for _ in range(2):
            assert (await upstream.fetch(request(base), timeout_s=2))[2] == b"ok"
    assert len(connections) == 2


async def test_a_new_connection_that_breaks_is_not_replaced():
    connections = []

    async def handler(reader, writer):
        connections.append(1)
        await read_request(reader)

    async with serving(handler) as base:
        assert (await failure(base)).kind == "cut"
    assert len(connections) == 1


async def test_never_more_than_one_replacement():
    connections = []

    async def handler(reader, writer):
        connections.append(1)
        await read_request(reader)
        if len(connections) == 1:
            writer.write(answer(b"ok"))
            await read_request(reader)

    async with serving(handler) as base, Upstream() as upstream:
        await upstream.fetch(request(base), timeout_s=2)
        with pytest.raises(UpstreamError) as caught:
            await upstream.fetch(request(base), timeout_s=2)
    assert caught.value.kind == "cut"
    assert len(connections) == 2


@pytest.mark.parametrize("partial", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_no_replacement_once_the_server_may_have_worked(partial):
    connections = []

    async def handler(reader, writer):
        connections.append(1)
        await read_request(reader)
        writer.write(answer(b"ok"))
        await read_request(reader)
        writer.write(partial)
        await asyncio.sleep(0 if partial else 0.3)

    async with serving(handler) as base, Upstream(small(stale_s=0.1)) as upstream:
        await upstream.fetch(request(base), timeout_s=2)
        with pytest.raises(UpstreamError) as caught:
            await upstream.fetch(request(base), timeout_s=2)
    assert (caught.value.kind, caught.value.may_be_billed) == ("cut", True)
    assert len(connections) == 1


class Watched:
    """A stream that goes on until its client leaves."""

    def __init__(self) -> None:
        self.connections = 0
        self.left = asyncio.Event()

    async def __call__(self, reader, writer):
        self.connections += 1
        await read_request(reader)
        writer.write(CHUNKED + b"6\r\nfirst\n\r\n")
        await reader.read(1)
        self.left.set()


async def test_closing_a_half_read_stream_ends_its_connection():
    watched = Watched()
    async with serving(watched) as base, Upstream() as upstream:
        stream = await upstream.stream(request(base))
        assert await stream.read(1) == b"first\n"
        await stream.aclose()
        await stream.aclose()
        async with asyncio.timeout(1):
            await watched.left.wait()
        with pytest.raises(UpstreamError, match="closed"):
            await stream.read(1)
        await (await upstream.stream(request(base))).aclose()
    assert watched.connections == 2


@pytest.mark.parametrize("at", ["head", "body"])
async def test_cancelling_the_caller_ends_the_connection(at):
    left = asyncio.Event()

    async def handler(reader, writer):
        await read_request(reader)
        if at == "body":
            writer.write(CHUNKED + b"1\r\nx\r\n")
        await reader.read(1)
        left.set()

    async with serving(handler) as base, Upstream() as upstream:
        task = asyncio.create_task(upstream.fetch(request(base), timeout_s=20))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            await left.wait()


async def test_closing_from_another_task_ends_a_waiting_read():
    watched = Watched()
    async with serving(watched) as base, Upstream() as upstream:
        stream = await upstream.stream(request(base))
        await stream.read(1)
        waiting = asyncio.create_task(stream.read(20))
        await asyncio.sleep(0.05)
        await stream.aclose()
        with pytest.raises(UpstreamError) as caught:
            await waiting
    assert caught.value.kind == "cut"


async def test_leaving_a_peer_that_does_not_read_ends_at_once():
    """Megabytes are still unsent: a close that waited for them would wait for ever."""

    async def handler(reader, writer):
        writer.transport.pause_reading()
        await asyncio.sleep(20)

    async with serving(handler) as base, Upstream() as upstream:
        connector = upstream._kept.connector
        call = asyncio.create_task(upstream.fetch(request(base, b"x" * 20_000_000), timeout_s=0.4))
        await asyncio.sleep(0.2)
        (protocol,) = connector._acquired
        ours = protocol.transport.get_extra_info("socket")
        assert ours.fileno() > 0
        with pytest.raises(UpstreamError, match="in time"):
            await call
        await asyncio.sleep(0.05)
        assert not connector._acquired
        assert ours.fileno() == -1


async def test_more_than_a_hundred_at_once():
    together, all_here = 0, asyncio.Event()

    async def handler(reader, writer):
        nonlocal together
        await read_request(reader)
        together += 1
        if together == 300:
            all_here.set()
        await all_here.wait()
        writer.write(answer(b"ok"))

    async with serving(handler) as base, Upstream() as upstream:
        calls = [upstream.fetch(request(base), timeout_s=10) for _ in range(300)]
        assert all(body == b"ok" for _, _, body in await asyncio.gather(*calls))


async def test_after_closing_nothing_is_sent():
    upstream = Upstream()
    await upstream.aclose()
    with pytest.raises(UpstreamError) as caught:
        await upstream.fetch(request("http://127.0.0.1:9"), timeout_s=1)
    assert (caught.value.kind, caught.value.may_be_billed) == ("connect", False)


@pytest.mark.parametrize(("places", "billed"), [(1, False), (2, True)])
async def test_what_was_broken_off_may_be_billed_only_where_something_was_sent(places, billed):
    """With one connection, the second call waits for it and has sent nothing when it is broken off."""
    arrived = asyncio.Queue()

    async def handler(reader, writer):
        await read_request(reader)
        arrived.put_nowait(None)
        await asyncio.sleep(60)

    async with serving(handler) as base, Upstream(small(connections_per_host_max=places, connect_s=20)) as upstream:
        first = asyncio.create_task(upstream.fetch(request(base), timeout_s=20))
        await arrived.get()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await upstream.fetch(request(base), timeout_s=20)
        assert left().may_be_billed is billed
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
