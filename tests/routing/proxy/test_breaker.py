"""A failing endpoint is taken out of service and comes back by a probe; retries never multiply an outage."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.request import Request, urlopen

import pytest

from tests.routing.calls import ask, stream

Switch = Callable[[str, bool], Awaitable[None]]


@pytest.fixture
async def switch(sandbox) -> AsyncIterator[Switch]:
    """Turn fault-toggle of the sandbox on (it fails) or off."""

    async def turn(name: str, on: bool) -> None:
        url = f"{sandbox.url}/switch/{name}/{'on' if on else 'off'}"
        await asyncio.to_thread(lambda: urlopen(Request(url, method="POST"), timeout=5).close())

    yield turn
    await turn("toggle", False)


def calls_upstream(sandbox) -> int:
    return sandbox.get("/healthz")["served"]


async def until_answered(client, owner, model: str) -> float:
    """Seconds until the model answers again."""
    started = time.monotonic()
    async with asyncio.timeout(30):
        while (await ask(client, owner, model=model)).status_code != 200:
            await asyncio.sleep(0.1)
    return time.monotonic() - started


@pytest.mark.parametrize("streamed", [False, True])
async def test_five_failures_eject_and_a_probe_brings_back(client, owner, sandbox, switch, make_model, streamed):
    model = await make_model((f"{sandbox.url}/v1", "fault-toggle"))
    await switch("toggle", True)

    async def status() -> int:
        if streamed:
            return (await stream(client, owner, model=model)).status
        return (await ask(client, owner, model=model)).status_code

    assert [await status() for _ in range(5)] == [502] * 5
    before = await asyncio.to_thread(calls_upstream, sandbox)
    refused = await ask(client, owner, model=model)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert "x-should-retry" not in refused.headers
    assert await asyncio.to_thread(calls_upstream, sandbox) == before
    await switch("toggle", False)
    await until_answered(client, owner, model)
    assert [await status() for _ in range(3)] == [200] * 3


async def test_while_it_is_out_one_probe_at_a_time_is_let_through(client, owner, sandbox, switch, make_model):
    model = await make_model((f"{sandbox.url}/v1", "fault-toggle"))
    await switch("toggle", True)
    for _ in range(5):
        await ask(client, owner, model=model)
    await asyncio.sleep(1.1)  # the ejection of XROUTE_BREAKER_OUT_S is over
    before = await asyncio.to_thread(calls_upstream, sandbox)
    answers = await asyncio.gather(*(ask(client, owner, "[[first_ms=300]]", model) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [502, *[503] * 19]
    assert await asyncio.to_thread(calls_upstream, sandbox) == before + 1


async def test_the_callers_mistakes_eject_nobody(client, owner):
    for _ in range(8):
        assert (await ask(client, owner, model="sandbox/fault-400")).status_code == 400


async def test_an_outage_of_all_is_not_multiplied_by_retries(client, owner, sandbox, make_model):
    """All fail late and together, so that no breaker helps: what holds is the budget of retries."""
    model = await make_model(*[(f"{sandbox.url}{prefix}/v1", "fault-500") for prefix in ("", "/b", "/c")])
    before = await asyncio.to_thread(calls_upstream, sandbox)
    answers = await asyncio.gather(*(ask(client, owner, "[[first_ms=500]]", model) for _ in range(60)))
    assert {answer.status_code for answer in answers} == {502}
    # A fifth of the requests of ten seconds, of other tests' too; without a budget it would be 180.
    assert await asyncio.to_thread(calls_upstream, sandbox) - before <= 60 + 30
