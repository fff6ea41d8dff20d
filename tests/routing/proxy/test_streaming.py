"""What a client sees of a stream: chunks as they come, the usage chunk, [DONE], comments, the error chunk."""

import json

import httpx
import pytest

from tests.routing.calls import CHAT, body, identified, record, records, stream

TEXT = "Größe ist 世界 relative. " * 20
USAGE = {"include_usage": True}


async def test_the_chunks_are_the_upstreams_under_our_name(client, owner):
    seen = await stream(client, owner, f"[[echo]]{TEXT}")
    assert seen.status == 200
    assert seen.headers["content-type"] == "text/event-stream"
    assert seen.text == TEXT.strip()
    assert seen.whole
    assert seen.done
    for chunk in seen.chunks:
        assert chunk["id"] == seen.headers["x-generation-id"]
        assert (chunk["model"], chunk["provider"]) == ("sandbox/echo", "sandbox")
        assert chunk["object"] == "chat.completion.chunk"
        assert "usage" not in chunk


@pytest.mark.parametrize("asked", [{"stream_options": USAGE}, {"usage": {"include": True}}])
async def test_usage_comes_in_a_chunk_of_its_own_before_done(client, owner, asked):
    seen = await stream(client, owner, f"[[echo]]{TEXT}", **asked)
    *others, last = seen.chunks
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert last["choices"] == []
    usage = last["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 0.5 + usage["completion_tokens"] * 1.5) / 1e6)
    assert seen.done
    booked = await record(seen.request_id)
    assert (booked["basis"], booked["cost_nanousd"]) == ("reported", round(usage["cost"] * 1e9))


async def test_cached_and_reasoning_tokens_are_told(client, owner):
    seen = await stream(client, owner, "[[cached=3]] [[reasoning=7]] [[tokens=9]]", stream_options=USAGE)
    assert seen.usage["prompt_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 0}
    assert seen.usage["completion_tokens_details"] == {"reasoning_tokens": 7}
    assert seen.usage["completion_tokens"] == 16


async def test_chunks_are_relayed_as_they_come(client, owner):
    """The first is here long before the upstream has produced the last."""
    asked, name = body("[[tokens=40]] [[delay_ms=50]]", stream=True), f"early-{owner.key_id}"
    async with client.stream("POST", CHAT, json=asked, headers=identified(owner, name)) as answer:
        lines = [(line, await records(name)) async for line in answer.aiter_lines() if line.startswith("data: {")]
    assert not any(booked for _line, booked in lines[: len(lines) // 2])
    assert '"finish_reason":"stop"' in lines[-1][0]


@pytest.mark.parametrize("choices", [1, 3])
async def test_whoever_sees_the_last_finish_reason_finds_the_record(client, owner, choices):
    """The upstream reports its usage a while after the finish reason, which waits for the commit here."""
    asked = body("[[tokens=5]]", "sandbox/fault-late-usage-200", stream=True, n=choices)
    finished = 0
    name = f"held-{owner.key_id}-{choices}"
    async with client.stream("POST", CHAT, json=asked, headers=identified(owner, name)) as answer:
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            finished += json.loads(line.removeprefix("data: "))["choices"][0]["finish_reason"] == "stop"
            if finished == choices:
                assert len(await records(name)) == 1
    assert finished == choices


async def test_a_stream_without_done_upstream_is_whole(client, owner):
    seen = await stream(client, owner, "[[tokens=5]]", "sandbox/fault-nodone", stream_options=USAGE)
    assert seen.done
    assert seen.usage["completion_tokens"] == 5


async def test_usage_on_the_finishing_chunk_counts(client, owner):
    seen = await stream(client, owner, "[[tokens=5]]", "sandbox/fault-usage-on-finish", stream_options=USAGE)
    assert seen.usage["completion_tokens"] == 5
    assert (await record(seen.request_id))["basis"] == "reported"


async def test_comments_come_in_silence_only(client, owner):
    silent = await stream(client, owner, "[[first_ms=1500]] [[tokens=3]]")
    assert silent.done
    assert 1 <= len(silent.comments) <= 3
    assert silent.blocks[0].startswith(":")
    steady = await stream(client, owner, "[[tokens=30]] [[delay_ms=40]]")
    assert steady.done
    assert steady.comments == []


async def test_a_failure_after_comments_is_an_error_chunk(client, owner):
    seen = await stream(client, owner, "[[first_ms=1000]]", "sandbox/fault-500")
    assert seen.status == 200
    assert seen.comments
    assert seen.error["code"] == "provider_error"
    assert not seen.done
    assert seen.chunks[-1]["choices"][0]["finish_reason"] == "error"
    assert (await record(seen.request_id))["cost_nanousd"] == 0


@pytest.mark.parametrize("fault", ["error-midstream-3", "cut-3", "eof-3", "silence-3"])
async def test_a_stream_broken_upstream_ends_in_one_error_chunk(client, owner, fault):
    """An end of file without a finish reason is an error, not a success: the SDKs would take it for the whole."""
    seen = await stream(client, owner, "[[tokens=30]]", f"sandbox/fault-{fault}")
    assert seen.status == 200
    assert not seen.done
    assert seen.whole
    last = seen.chunks[-1]
    assert set(last) == {"id", "object", "created", "model", "error", "choices"}
    assert last["id"] == seen.headers["x-generation-id"]
    assert last["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    assert set(last["error"]) == {"message", "type", "param", "code"}
    code = "provider_timeout" if fault == "silence-3" else "provider_error"
    assert (last["error"]["type"], last["error"]["code"]) == ("api_error", code)
    assert not [chunk for chunk in seen.chunks[:-1] if "error" in chunk]


async def test_the_worker_does_not_compress_or_buffer(client, owner):
    asked = body("[[tokens=3]]", stream=True)
    headers = identified(owner) | {"Accept-Encoding": "gzip, br"}
    answer: httpx.Response = await client.post(CHAT, json=asked, headers=headers)
    assert "content-encoding" not in answer.headers
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
