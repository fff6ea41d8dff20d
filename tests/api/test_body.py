"""A body is read within its limits, and its room is always given back."""

import asyncio
import json
from typing import Any

import pytest

from tests.api import urls
from tests.api.conftest import Client, Wire
from xroute.api.handler import LeanHandler

ME = [(b"authorization", b"Bearer me")]
POST = "POST /v1/echo\r\nAuthorization: Bearer me\r\n"


async def send_for_ever(wire: Wire) -> None:
    while True:
        wire.writer.write(b"x" * 65536)
        await wire.writer.drain()


def code_of(body: bytes) -> Any:
    return json.loads(body)["error"]["code"]


async def test_too_long_by_its_own_word_is_refused_unread(client_of: Any) -> None:
    call = client_of(body_bytes_max=100)
    assert (await call("/v1/echo", "POST", ME, b"x" * 100)).status == 200
    reply = await call("/v1/echo", "POST", [*ME, (b"content-length", b"101")])
    assert (reply.status, code_of(reply.body)) == (413, "request_too_large")
    assert call.receives == 0
    assert urls.seen == ["me"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"application/json", 200),
        (b"Application/JSON; charset=utf-8", 200),
        (b"", 200),
        (None, 200),
        (b"application/x-www-form-urlencoded", 415),  # what curl says where nothing else is said
        (b"text/plain", 415),
        (b"multipart/form-data; boundary=x", 415),
        (b"application/jsonp", 415),
    ],
)
async def test_a_body_of_another_type_is_refused_unread(client_of: Any, sent: bytes | None, status: int) -> None:
    call = client_of()
    reply = await call("/v1/echo", "POST", [*ME, *([(b"content-type", sent)] if sent is not None else [])], b"{}")
    assert reply.status == status
    if status == 415:
        error = json.loads(reply.body)["error"]
        assert (error["type"], error["code"], error["param"]) == (
            "invalid_request_error",
            "unsupported_media_type",
            "Content-Type",
        )
        assert error["message"].endswith("Send it as application/json.")
        assert call.receives == 0
    assert (await call("/v1/echo", "GET", [*ME, (b"content-type", b"text/plain")])).status == 200  # without a body


async def test_a_chunked_body_over_the_limit(serving: Any) -> None:
    async with serving(body_bytes_max=1000) as served:
        wire = await served.connect()
        await wire.ask(f"{POST}Transfer-Encoding: chunked\r\n", b"300\r\n" + b"x" * 0x300 + b"\r\n")
        await asyncio.sleep(0.05)
        wire.writer.write(b"300\r\n" + b"x" * 0x300 + b"\r\n0\r\n\r\n")
        status, headers, body = await wire.reply()
        assert (status, code_of(body), headers["connection"]) == (413, "request_too_large", "close")
        assert await wire.rest() == b""
        assert urls.seen == []
        assert served.handler.bodies.bytes_held == 0


async def test_a_chunked_body_within_the_limit(serving: Any) -> None:
    async with serving(body_bytes_max=1000) as served:
        wire = await served.connect()
        await wire.ask(f"{POST}Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        wire.writer.write(b"4\r\ndefg\r\n0\r\n\r\n")
        assert json.loads((await wire.reply())[2]) == {"length": 7}


async def test_a_client_that_sends_all_before_it_reads_still_sees_413(serving: Any) -> None:
    async with serving(body_bytes_max=2**20) as served:
        wire = await served.connect()
        size = 2**20 + 2**18
        await wire.ask(f"{POST}Content-Length: {size}\r\n", b"x" * size)
        status, headers, body = await wire.reply()
        assert (status, code_of(body), headers["connection"]) == (413, "request_too_large", "close")
        assert await wire.rest() == b""


async def test_what_is_sent_without_end_is_not_read_without_end(serving: Any) -> None:
    async with serving(body_bytes_max=2**17) as served:
        wire = await served.connect()
        await wire.ask(f"{POST}Content-Length: {2**34}\r\n")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send_for_ever(wire), 8)
        await asyncio.sleep(0.05)
        assert served.handler.inflight == 0


async def test_an_unread_small_body_leaves_the_connection_usable(served: Any) -> None:
    wire = await served.connect()
    await wire.ask("POST /v1/echo\r\nContent-Length: 5\r\n", b"12345")
    assert (await wire.reply())[0] == 401
    await wire.ask(f"{POST}Content-Length: 3\r\n", b"abc")
    assert json.loads((await wire.reply())[2]) == {"length": 3}


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"identity, gzip", b"x"])
async def test_a_compressed_body_is_refused(call: Client, encoding: bytes) -> None:
    reply = await call("/v1/echo", "POST", [*ME, (b"content-encoding", encoding)], b"x")
    assert (reply.status, code_of(reply.body)) == (415, "unsupported_encoding")
    assert call.receives == 0


@pytest.mark.parametrize("encoding", [b"identity", b"Identity ", b""])
async def test_identity_is_no_compression(call: Client, encoding: bytes) -> None:
    assert (await call("/v1/echo", "POST", [*ME, (b"content-encoding", encoding)], b"x")).status == 200


async def test_all_bodies_together_are_limited(serving: Any) -> None:
    async with serving(bodies_bytes_max=1000) as served:
        first, second = await served.connect(), await served.connect()
        await first.ask(f"{POST}Content-Length: 600\r\n", b"x")
        await asyncio.sleep(0.05)
        assert served.handler.bodies.bytes_held == 600
        await second.ask(f"{POST}Content-Length: 600\r\n", b"x" * 600)
        status, headers, body = await second.reply()
        assert (status, headers["retry-after"], code_of(body)) == (503, "1", "overloaded")
        first.writer.write(b"x" * 599)
        assert (await first.reply())[0] == 200
        await asyncio.sleep(0.02)
        assert served.handler.bodies.bytes_held == 0
        await second.ask(f"{POST}Content-Length: 600\r\n", b"x" * 600)
        assert (await second.reply())[0] == 200


async def test_without_a_key_no_room_is_taken(serving: Any) -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.ask("POST /v1/echo\r\nContent-Length: 10000000\r\n", b"x")
        assert (await wire.head())[0] == 401
        assert served.handler.bodies.bytes_held == 0


async def test_a_body_that_does_not_come(serving: Any) -> None:
    async with serving(body_timeout_s=0.1) as served:
        wire = await served.connect()
        await wire.ask(f"{POST}Content-Length: 100000\r\n", b"x")
        status, headers, body = await wire.reply()
        assert (status, code_of(body), headers["connection"]) == (408, "request_timeout", "close")
        wire.close()
        await asyncio.sleep(0.05)
        assert served.handler.bodies.bytes_held == 0


async def test_a_client_that_leaves_while_sending(served: Any, caplog: pytest.LogCaptureFixture) -> None:
    wire = await served.connect()
    await wire.ask(f"{POST}Content-Length: 600\r\n", b"x")
    await asyncio.sleep(0.05)
    assert served.handler.inflight == 1
    wire.close()
    await asyncio.sleep(0.1)
    assert (served.handler.inflight, served.handler.bodies.bytes_held) == (0, 0)
    assert urls.seen == []
    assert caplog.text == ""


async def test_expect_100_continue(served: Any) -> None:
    wire = await served.connect()
    await wire.ask(f"{POST}Content-Length: 3\r\nExpect: 100-continue\r\n")
    assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.writer.write(b"abc")
    assert (await wire.reply())[0] == 200


@pytest.mark.parametrize("auth", ["Authorization: Bearer me\r\n", ""])
@pytest.mark.parametrize("framing", ["Content-Length: 99\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_a_body_behind_an_upgrade_never_becomes_a_request(served: Any, auth: str, framing: str) -> None:
    wire = await served.connect()
    await wire.ask(f"POST /v1/echo\r\n{auth}{framing}Connection: Upgrade\r\nUpgrade: h2c\r\n")
    wire.writer.write(b"GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer smuggled\r\n\r\n")
    status, headers, _body = await wire.reply()
    assert (status, headers["connection"]) == (400 if auth else 401, "close")
    assert await wire.rest() == b""
    assert urls.seen == []


async def test_an_upgrade_without_a_body_is_ignored(served: Any) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/empty\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n")
    assert (await wire.reply())[0] == 200


@pytest.mark.parametrize("framing", ["Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 3, 4\r\n"])
async def test_ambiguous_framing_reaches_no_view(served: Any, framing: str) -> None:
    wire = await served.connect()
    await wire.ask(POST + framing, b"abc")
    assert (await wire.head())[0] == 400
    assert urls.seen == []


async def test_a_length_that_is_no_number_counts_as_unknown(handler: LeanHandler) -> None:
    reply = await Client(handler)("/v1/echo", "POST", [*ME, (b"content-length", b"\xb2")])
    assert json.loads(reply.body) == {"length": 0}
