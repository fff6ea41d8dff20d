"""Memory is bounded: bombs, endless lines, bodies and streams, and readers that do not read."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.routing.calls import CHAT, ask, body, identified, record, stream
from tests.routing.proxy.scripted import DONE, HEAD, chunk, scripted, usage
from tests.routing.wire import read_request, serving

MB = 2**20
GROWTH_MAX = 60 * MB
BIG = chunk("x" * 100_000)


def memory(web) -> int:
    """Bytes that the worker really holds."""
    status = Path(f"/proc/{web.child.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def peak(web) -> int:
    status = Path(f"/proc/{web.child.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def forget_peak(web) -> None:
    Path(f"/proc/{web.child.pid}/clear_refs").write_text("5")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_compressed_answer_is_refused_unread(client, owner, web, streamed):
    """50 MB of x in 50 KB, though we asked for no compression."""
    forget_peak(web)
    before = memory(web)
    if streamed:
        status = (await stream(client, owner, model="sandbox/fault-gzip")).status
    else:
        status = (await ask(client, owner, model="sandbox/fault-gzip")).status_code
    assert status == 502
    assert peak(web) - before < 20 * MB


async def test_an_endless_line_ends_the_stream(client, owner, web, make_model):
    forget_peak(web)
    before = memory(web)
    async with scripted([chunk("said"), b"data: ", *[b"x" * 100_000] * 1000]) as url:
        seen = await stream(client, owner, "hi", await make_model((url, "m")))
    assert seen.text == "said"
    assert seen.error["code"] == "provider_error"
    assert peak(web) - before < GROWTH_MAX
    assert (await record(seen.request_id))["reason"] == "too_large"


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_endless_answer_is_cut_at_the_limit(web_factory, owner, orm, streamed):
    """64 MB ordinarily; here 2."""
    from tests.routing.rows import known, model_make

    async def flood(reader, writer):
        await read_request(reader)
        writer.write(HEAD)
        for _ in range(2000):
            writer.write(BIG)
            await writer.drain()

    web = await asyncio.to_thread(web_factory, XROUTE_RESPONSE_BYTES_MAX=str(2 * MB))
    async with (
        serving(flood) as url,
        httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client,
    ):
        model = await orm(model_make, (url, "m"))
        await known(client, model)
        before = memory(web)
        if streamed:
            seen = await stream(client, owner, "hi", model, max_tokens=100_000)
            assert seen.error
            assert len(seen.raw) <= 2 * MB
        else:
            answer = await ask(client, owner, "hi", model)
            assert answer.status_code == 502
            assert answer.headers["x-should-retry"] == "false"
        assert peak(web) - before < GROWTH_MAX


async def test_a_reader_that_does_not_read_is_left_after_a_while(client, owner, web, make_model):
    """The upstream has 100 MB for it; what waits here is bounded, and both connections end (after 2 s here)."""
    forget_peak(web)
    before = memory(web)
    headers = identified(owner)
    async with scripted([*[BIG] * 1000, chunk(finish="stop"), usage(5, 25_000_000), DONE]) as url:
        asked = body("hi", await make_model((url, "m"), max_output_tokens=30_000_000), stream=True)
        async with client.stream("POST", CHAT, json=asked, headers=headers) as answer:
            assert answer.status_code == 200
            booked = await record(headers["X-Request-Id"])
            assert peak(web) - before < GROWTH_MAX
            with pytest.raises(httpx.RemoteProtocolError):
                async for _ in answer.aiter_bytes():
                    pass
    assert booked["cancelled"]
    assert booked["basis"] == "estimated"


async def test_a_slow_reader_gets_everything(client, owner, make_model):
    """It is slow, but it reads: 10 MB in pieces, with pauses shorter than the limit."""
    async with scripted([*[BIG] * 100, chunk(finish="stop"), usage(5, 6), DONE]) as url:
        asked = body("hi", await make_model((url, "m")), stream=True)
        async with client.stream("POST", CHAT, json=asked, headers=identified(owner)) as answer:
            raw, paused = b"", 0
            async for data in answer.aiter_bytes():
                raw += data
                if len(raw) > (paused + 1) * MB:
                    paused += 1
                    await asyncio.sleep(0.1)
    assert raw.count(b"x" * 100_000) == 100
    assert raw.endswith(DONE)
