"""A client that leaves: the upstream is closed at once where that stops the bill, else drained; never for nothing."""

import asyncio
import time

import httpx
import pytest

from tests.routing.calls import CHAT, body, identified, record, served_once, stream

LONG = "[[tokens=400]] [[delay_ms=50]]"  # 20 s
SHORT = "[[tokens=30]] [[delay_ms=50]]"  # 1.5 s
NO_CANCEL = {"model": "sandbox/three", "provider": {"only": ["sandbox-b"]}}


async def leave(client: httpx.AsyncClient, headers: dict[str, str], after_s: float, asked: dict) -> None:
    """Begin a request and drop it; nothing of an answer may have come."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(after_s):
            await client.post(CHAT, json=asked, headers=headers)


@pytest.mark.parametrize(("text", "chunks"), [(LONG, 3), ("[[delay_ms=20000]]", 0)])
async def test_a_stream_is_closed_upstream_within_a_second(client, owner, sandbox, text, chunks):
    """Be it talking or silent. The best of three: how busy the machine is does not count."""
    took = []
    for _ in range(3):
        seen = await stream(client, owner, text, leave_after=chunks)
        left = time.time()
        row = await served_once(sandbox, seen.request_id)
        assert row["outcome"] == "aborted"
        took.append(row["ended"] - left)
    assert min(took) < 1


async def test_what_was_relayed_is_charged_as_an_estimate(client, owner, sandbox):
    seen = await stream(client, owner, LONG, leave_after=8)
    booked, row = await record(seen.request_id), await served_once(sandbox, seen.request_id)
    assert (booked["basis"], booked["reason"], booked["cancelled"]) == ("estimated", "client_gone", True)
    assert 8 <= booked["completion_tokens"] <= row["completion_tokens"] + 1
    assert 0 < booked["cost_nanousd"] <= booked["held_nanousd"]
    assert booked["cost_nanousd"] >= booked["completion_tokens"] * 1500


async def test_where_leaving_stops_nothing_the_true_usage_is_charged(client, owner, sandbox):
    seen = await stream(client, owner, SHORT, leave_after=3, **NO_CANCEL)
    booked, row = await record(seen.request_id), await served_once(sandbox, seen.request_id)
    assert row["outcome"] == "complete"
    assert (booked["basis"], booked["reason"], booked["cancelled"]) == ("reported", "client_gone_drained", True)
    assert (booked["prompt_tokens"], booked["completion_tokens"]) == (row["prompt_tokens"], 30)
    assert booked["cost_nanousd"] == row["prompt_tokens"] * 600 + 30 * 1800


async def test_a_drain_is_bounded_in_time(client, owner, sandbox):
    """XROUTE_DRAIN_STREAM_S is 3 here; then it is an estimate of what was relayed."""
    seen = await stream(client, owner, LONG, leave_after=3, **NO_CANCEL)
    left = time.time()
    booked, row = await record(seen.request_id), await served_once(sandbox, seen.request_id)
    assert row["outcome"] == "aborted"
    assert 2 < row["ended"] - left < 15
    assert (booked["basis"], booked["reason"]) == ("estimated", "client_gone")
    assert booked["completion_tokens"] < row["completion_tokens"] / 2


async def test_drains_of_a_workspace_are_bounded_in_number(client, owner, sandbox):
    """Five at once; the sixth and seventh are closed and estimated."""
    seen = await asyncio.gather(*(stream(client, owner, LONG, leave_after=2, **NO_CANCEL) for _ in range(7)))
    rows = [await served_once(sandbox, one.request_id) for one in seen]
    early = [row for row in rows if row["ended"] < min(row["ended"] for row in rows) + 1.5]
    assert len(early) == 2
    booked = [await record(one.request_id) for one in seen]
    assert {one["basis"] for one in booked} == {"estimated"}


@pytest.mark.parametrize("streamed", [False, True])
async def test_before_the_first_byte_the_prompt_is_charged(client, owner, sandbox, streamed):
    """It has been sent, and providers charge for it: never nothing."""
    headers = identified(owner)
    asked = body(f"[[first_ms=20000]] {'word ' * 200}", stream=streamed, max_tokens=50)
    left = time.time() + 0.3
    if streamed:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), client.stream("POST", CHAT, json=asked, headers=headers):
                await asyncio.sleep(5)
    else:
        await leave(client, headers, 0.3, asked)
    booked, row = await record(headers["X-Request-Id"]), await served_once(sandbox, headers["X-Request-Id"])
    assert row["outcome"] == "aborted"
    assert row["ended"] - left < 10
    assert (booked["basis"], booked["reason"], booked["cancelled"]) == ("estimated", "client_gone", True)
    assert booked["completion_tokens"] == 0
    assert booked["prompt_tokens"] > 150
    assert 0 < booked["cost_nanousd"] <= booked["held_nanousd"]


async def test_a_plain_answer_nobody_waits_for_is_charged_where_it_is_billed(client, owner, sandbox):
    headers = identified(owner)
    await leave(client, headers, 0.3, body("[[first_ms=1000]] [[tokens=9]]", **NO_CANCEL))
    booked, row = await record(headers["X-Request-Id"]), await served_once(sandbox, headers["X-Request-Id"])
    assert row["outcome"] == "complete"
    assert (booked["basis"], booked["cancelled"], booked["completion_tokens"]) == ("reported", True, 9)


async def test_leaving_while_the_last_chunk_waits_changes_nothing(client, owner, sandbox):
    """The answer is whole by then: its true usage is charged, whoever reads it."""
    headers = identified(owner)
    asked = body("[[tokens=6]]", "sandbox/fault-late-usage-200", stream=True)
    async with client.stream("POST", CHAT, json=asked, headers=headers) as answer:
        seen = b""
        async for data in answer.aiter_bytes():
            seen += data
            if seen.count(b'"content":"') > 6:
                break
    booked, row = await record(headers["X-Request-Id"]), await served_once(sandbox, headers["X-Request-Id"])
    assert row["outcome"] == "complete"
    assert (booked["basis"], booked["completion_tokens"], booked["finish_reason"]) == ("reported", 6, "stop")


async def test_no_failover_for_nobody(client, owner):
    """Its first endpoint fails after the client has left: no second one is called."""
    headers = identified(owner)
    await leave(client, headers, 0.3, body("[[first_ms=800]]", "sandbox/failover", provider={"order": ["sandbox"]}))
    booked = await record(headers["X-Request-Id"])
    assert len(booked["attempts"]) == 1
