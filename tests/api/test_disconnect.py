"""A client that goes away is noticed, nothing is cancelled for it, and no task outlives its request."""

import asyncio
import logging
from typing import Any

import pytest

from tests.api import urls
from tests.api.conftest import Client, Served


async def gone_within(limit_s: float) -> str:
    async with asyncio.timeout(limit_s):
        return await urls.gone.get()


async def settled(served: Served, tasks: set[asyncio.Task[Any]]) -> None:
    """Every request is over and no task is left that was not there before."""
    async with asyncio.timeout(2):
        while served.handler.inflight or asyncio.all_tasks() - tasks - {asyncio.current_task()}:
            await asyncio.sleep(0.01)


@pytest.fixture
async def before(served: Served) -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks()


@pytest.mark.parametrize("body", [None, b"abc"])
@pytest.mark.parametrize("after_s", [0.01, 0.12])
async def test_a_plain_request(served: Served, before: set[Any], body: bytes | None, after_s: float) -> None:
    wire = await served.connect()
    head = "GET /v1/slow\r\n" if body is None else "POST /v1/slow\r\nContent-Length: 3\r\n"
    await wire.ask(head, body or b"")
    await asyncio.sleep(after_s)
    wire.close()
    assert await gone_within(0.3) == "plain"  # 50 ms until it is watched, 50 ms of the view's own work
    await settled(served, before)


async def test_a_stream(served: Served, before: set[Any]) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/stream/waiting\r\n")
    await wire.reader.readuntil(b"data: first\n\n")
    wire.close()
    assert await gone_within(0.2) == "stream"
    await settled(served, before)


async def test_a_stream_that_does_not_look_is_closed(served: Served, before: set[Any]) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/stream/endless\r\n")
    await wire.head()
    wire.close()
    assert await gone_within(1) == "closed"
    await settled(served, before)


async def test_a_reader_that_stalls(serving: Any) -> None:
    async with serving(stream_stall_s=0.2) as served:
        wire = await served.connect()
        await wire.ask("GET /v1/stream/endless\r\n")
        assert await gone_within(5) == "closed"
        assert urls.requests[0].disconnected.is_set()
        assert served.handler.inflight == 0


async def test_chunks_leave_as_they_come(served: Served, before: set[Any]) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/stream/three\r\nConnection: close\r\n")
    status, headers = await wire.head()
    assert (status, headers["content-type"], headers["transfer-encoding"]) == (200, "text/event-stream", "chunked")
    whole = await wire.rest()
    frames = [b"9\r\ndata: 1\n\n\r\n", "a\r\ndata: ü\n\n\r\n".encode(), b"e\r\ndata: [DONE]\n\n\r\n", b"0\r\n\r\n"]
    assert whole == b"".join(frames)
    assert not urls.requests[0].disconnected.is_set()
    await settled(served, before)


async def test_a_stream_that_fails_does_not_look_complete(
    served: Served, before: set[Any], caplog: pytest.LogCaptureFixture
) -> None:
    wire = await served.connect()
    await wire.ask("GET /v1/stream/failing\r\n")
    assert (await wire.head())[0] == 200
    assert not (await wire.rest()).endswith(b"0\r\n\r\n")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    await settled(served, before)


@pytest.mark.parametrize("ms", [0, 150])
async def test_an_answer_is_no_disconnect(served: Served, before: set[Any], ms: int) -> None:
    wire = await served.connect()
    for _ in range(3):
        await wire.ask(f"GET /v1/sleep/{ms}\r\n")
        assert (await wire.reply())[0] == 200
    await asyncio.sleep(0.1)
    assert [request.disconnected.is_set() for request in urls.requests] == [False] * 3
    await settled(served, before)


async def test_quick_requests_are_not_watched(call: Client) -> None:
    tasks = asyncio.all_tasks()
    await call("/v1/sleep/20")
    assert call.receives == 0
    await call("/v1/sleep/90")
    assert call.receives == 2  # the empty body, then the wait
    await asyncio.sleep(0.01)
    assert not asyncio.all_tasks() - tasks


async def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    wire = await served.connect()
    for ms in (80, 0, 60):
        await wire.ask(f"GET /v1/sleep/{ms}\r\n")
    bodies = [(await wire.reply())[2] for _ in range(3)]
    assert bodies == [b'{"slept":80}', b'{"slept":0}', b'{"slept":60}']


async def test_many_at_once_leave_nothing(served: Served, before: set[Any], caplog: pytest.LogCaptureFixture) -> None:
    paths = ["slow", "stream/waiting", "stream/endless", "sleep/100", "empty"]
    wires = [await served.connect() for _ in range(60)]
    for number, wire in enumerate(wires):
        await wire.ask(f"GET /v1/{paths[number % 5]}\r\n")
    await asyncio.sleep(0.15)
    for wire in wires:
        wire.close()
    await settled(served, before)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
