"""Each answer is its own caller's: unique ids, with cancellations and time limits thrown in, on both event loops."""

import asyncio
import random
from collections import Counter

import pytest
import uvloop

from routing.errors import UpstreamError
from routing.upstream import Upstream, UpstreamLimits
from tests.routing.wire import answer, read_request, request, serving

REQUESTS, AT_ONCE = 4000, 150


async def echo(reader, writer):
    """Answers with the id it was sent: plainly, in chunks, in pieces, late, or not to the end."""
    dice = random.Random()
    while True:
        _, body = await read_request(reader)
        manner = dice.random()
        if manner < 0.2:
            await asyncio.sleep(dice.random() * 0.03)
        if manner < 0.6:
            writer.write(answer(body * 20))
            continue
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            if manner > 0.7:
                await asyncio.sleep(dice.random() * 0.003)
        if manner > 0.97:
            return
        writer.write(b"0\r\n\r\n")


async def one(upstream: Upstream, base: str, number: int, seen: Counter, dice: random.Random) -> None:
    mine = b"<%08d>" % number
    call = asyncio.create_task(_call(upstream, base, mine, dice))
    if dice.random() < 0.2:
        await asyncio.sleep(dice.random() * 0.03)
        call.cancel()
    try:
        got = await call
    except asyncio.CancelledError:
        seen["cancelled"] += 1
    except UpstreamError as error:
        seen[error.kind] += 1
    else:
        assert got == mine * 20
        seen["whole"] += 1


async def _call(upstream: Upstream, base: str, mine: bytes, dice: random.Random) -> bytes:
    timeout_s = dice.random() * 0.03 if dice.random() < 0.1 else 20
    if dice.random() < 0.5:
        status, _, body = await upstream.fetch(request(base, mine), timeout_s=timeout_s)
        assert status == 200
        return body
    stream = await upstream.stream(request(base, mine), first_byte_s=timeout_s)
    parts = []
    try:
        while part := await stream.read(timeout_s):
            parts.append(part)
            if dice.random() < 0.02:  # leaves midway, as a client that is gone
                whole = mine * 20
                assert whole.startswith(b"".join(parts))
                await stream.aclose()
                return whole
    finally:
        await stream.aclose()
    return b"".join(parts)


async def storm(handler=echo) -> Counter:
    seen: Counter = Counter()
    dice = random.Random(7)
    room = asyncio.Semaphore(AT_ONCE)

    async def guarded(number: int) -> None:
        async with room:
            await one(upstream, base, number, seen, dice)

    limits = UpstreamLimits(connections_max=100, connect_s=20)
    async with serving(handler) as base, Upstream(limits) as upstream:
        await asyncio.gather(*(guarded(number) for number in range(REQUESTS)))
        connector = upstream._kept.connector
        assert not connector._acquired
        assert sum(map(len, connector._conns.values())) <= 100
    return seen


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_each_answer_is_its_own_callers(loop):
    with asyncio.Runner(loop_factory=loop) as runner:
        seen = runner.run(storm())
    assert sum(seen.values()) == REQUESTS
    assert seen["whole"] > REQUESTS / 2
    assert seen["cancelled"] > 50
    assert seen["timeout"] > 20
    assert seen["cut"] > 20


async def swapping(reader, writer):
    """Now and then answers with an id that is not the caller's."""
    dice = random.Random()
    while True:
        _, body = await read_request(reader)
        writer.write(answer((b"<%08d>" % 0 if dice.random() < 0.01 else body) * 20))


def test_the_storm_notices_a_swapped_answer():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(AssertionError):
        runner.run(storm(swapping))
