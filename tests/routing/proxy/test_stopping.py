"""SIGTERM finishes what runs and loses no record; kill -9 loses nothing that a client saw complete."""

import asyncio
import signal

import httpx
import pytest

from tests.processes import Process
from tests.routing.calls import CHAT, ask, body, identified, record, records, served_once, stream

USAGE = {"include_usage": True}


async def ended(web: Process, within_s: float = 30) -> int:
    return await asyncio.to_thread(web.child.wait, within_s)


async def busy(web: Process, count: int) -> None:
    """Until the sandbox has as many requests under way (`web` is the sandbox)."""
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(web.get, "/healthz"))["open"] < count:
            await asyncio.sleep(0.02)


async def test_sigterm_finishes_what_runs(web_factory, owner, sandbox):
    web = await asyncio.to_thread(web_factory, XROUTE_DRAIN_S="20")
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
        running = [
            asyncio.create_task(stream(client, owner, "[[tokens=40]] [[delay_ms=50]]", stream_options=USAGE))
            for _ in range(10)
        ]
        plain = [asyncio.create_task(ask(client, owner, "[[first_ms=1500]] [[tokens=7]]")) for _ in range(5)]
        leaving = asyncio.create_task(
            stream(
                client,
                owner,
                "[[tokens=30]] [[delay_ms=50]]",
                "sandbox/three",
                leave_after=2,
                provider={"only": ["sandbox-b"]},
            )
        )
        gone = await leaving
        await busy(sandbox, 16)
        web.signal(signal.SIGTERM)
        seen, answers = await asyncio.gather(*running), await asyncio.gather(*plain)
    assert await ended(web) == 0
    for one in seen:
        assert (one.done, one.whole) == (True, True)
        assert (await record(one.request_id))["cost_nanousd"] == round(one.usage["cost"] * 1e9)
    for answer in answers:
        assert answer.status_code == 200
        assert len(await records(answer.headers["x-request-id"])) == 1
    booked = await record(gone.request_id)
    assert booked["cancelled"]
    assert booked["cost_nanousd"] > 0
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(web.get, "/healthz")


async def test_what_outlasts_the_time_limit_is_cut_and_booked(web_factory, owner, sandbox):
    """Streams longer than XROUTE_DRAIN_S: never an end that looks whole; what was relayed is charged, no more."""
    web = await asyncio.to_thread(web_factory, XROUTE_DRAIN_S="1")
    long = "[[tokens=600]] [[delay_ms=50]]"
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
        running = [asyncio.create_task(stream(client, owner, long)) for _ in range(5)]
        drained = {"only": ["sandbox-b"]}  # where aborting does not stop the bill
        running.append(asyncio.create_task(stream(client, owner, long, "sandbox/three", provider=drained)))
        headers = identified(owner)
        waiting = asyncio.create_task(client.post(CHAT, json=body("[[first_ms=20000]]"), headers=headers))
        await busy(sandbox, 7)
        await asyncio.sleep(0.5)
        web.signal(signal.SIGTERM)
        seen = await asyncio.gather(*running)
        answer = (await asyncio.gather(waiting, return_exceptions=True))[0]
    assert await ended(web) == 0
    for one in seen:
        assert not one.done
        assert one.error or not one.whole
        booked, row = await record(one.request_id), await served_once(sandbox, one.request_id)
        assert (booked["basis"], booked["reason"]) == ("estimated", "server_stopping")
        assert 0 < booked["completion_tokens"] <= row["completion_tokens"] + 1
    if isinstance(answer, httpx.Response):
        assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "false")
    booked = await record(headers["X-Request-Id"])
    assert (booked["basis"], booked["reason"], booked["cost_nanousd"]) == ("not_charged", "server_stopping", 0)
    assert booked["house_nanousd"] > 0


async def test_kill_9_amid_load(web_factory, owner):
    """Every answer that was seen whole is in the ledger once, at the cost shown."""
    web = await asyncio.to_thread(web_factory, XROUTE_LEASE_TTL_S="5")
    whole: dict[str, float] = {}

    async def one_after_the_other(client: httpx.AsyncClient, number: int) -> None:
        while True:
            if number % 2:
                seen = await stream(client, owner, f"[[tokens={number}]]", stream_options=USAGE)
                if seen.done:
                    whole[seen.request_id] = seen.usage["cost"]
            else:
                answer = await ask(client, owner, f"[[tokens={number}]]")
                if answer.status_code == 200:
                    whole[answer.headers["x-request-id"]] = answer.json()["usage"]["cost"]

    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=10, limits=limits) as client:
        tasks = [asyncio.create_task(one_after_the_other(client, number)) for number in range(1, 31)]
        async with asyncio.timeout(60):
            while len(whole) < 300:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(web.kill)
        failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, httpx.HTTPError) for error in failed)
    for name, cost in whole.items():
        booked = await records(name)
        assert [round(cost * 1e9)] == [row["cost_nanousd"] for row in booked]
