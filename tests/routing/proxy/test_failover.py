"""Failover is silent before the first byte, and never happens after it."""

import pytest

from tests.cast import person
from tests.routing.calls import ask, record, served, stream

FAILING = ["sandbox/failover", "sandbox/failover-429"]


@pytest.mark.parametrize("model", FAILING)
async def test_a_plain_answer_comes_from_the_next(client, owner, sandbox, model):
    answer = await ask(client, owner, "[[echo]]safe and sound", model)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["choices"][0]["message"]["content"] == "safe and sound"
    assert found["provider"] == "sandbox-b"
    usage = found["usage"]
    assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 0.6 + usage["completion_tokens"] * 1.8) / 1e6)
    booked = await record(answer.headers["x-request-id"])
    assert booked["cost_nanousd"] == round(usage["cost"] * 1e9)
    assert [attempt["provider"] for attempt in booked["attempts"]] == ["sandbox", "sandbox-b"]
    assert booked["attempts"][-1]["outcome"] == "answered"
    assert [row["prefix"] for row in served(sandbox, booked["request_id"])] == ["b"]


@pytest.mark.parametrize("model", [*FAILING, "sandbox/failover-stream"])
async def test_a_stream_comes_from_the_next(client, owner, model):
    """Also where the first of them said 200 and then an error as its first event."""
    seen = await stream(client, owner, "[[echo]]safe and sound", model)
    assert (seen.status, seen.text, seen.done) == (200, "safe and sound", True)
    assert {chunk["provider"] for chunk in seen.chunks} == {"sandbox-b"}
    assert (await record(seen.request_id))["provider"] == "sandbox-b"


@pytest.mark.parametrize("fault", ["fault-cut-2", "fault-eof-2", "fault-error-midstream-2", "fault-silence-2"])
async def test_after_the_first_byte_nobody_takes_over(client, owner, sandbox, make_model, fault):
    url = sandbox.url
    model = await make_model((f"{url}/v1", fault), (f"{url}/c/v1", "steady"))
    seen = await stream(client, owner, "[[echo]]this answer will break off somewhere", model)
    assert seen.error
    assert not seen.done
    assert len(seen.text) == 16
    booked = await record(seen.request_id)
    assert [attempt["outcome"] for attempt in booked["attempts"]] == ["answered"]
    assert "c" not in {row["prefix"] for row in served(sandbox, seen.request_id)}


async def test_at_most_three_are_tried(client, owner, sandbox, make_model):
    model = await make_model(
        *[(f"{sandbox.url}/v1", f"fault-50{number}") for number in range(4)], (sandbox.url, "steady")
    )
    answer = await ask(client, owner, model=model)
    assert answer.status_code in (502, 503)
    attempts = answer.json()["error"]["metadata"]["attempts"]
    assert [attempt["outcome"] for attempt in attempts] == ["server", "server", "server"]


async def test_a_refused_connection_fails_over_too(client, owner, sandbox, make_model):
    model = await make_model(("http://127.0.0.1:9/v1", "nobody"), (f"{sandbox.url}/v1", "steady"))
    answer = await ask(client, owner, model=model)
    assert answer.status_code == 200
    booked = await record(answer.headers["x-request-id"])
    assert [attempt["outcome"] for attempt in booked["attempts"]] == ["connect", "answered"]


async def test_the_callers_own_mistake_is_not_sent_around(client, owner, sandbox, make_model):
    model = await make_model((f"{sandbox.url}/v1", "fault-400"), (f"{sandbox.url}/v1", "steady"))
    answer = await ask(client, owner, model=model)
    assert answer.status_code == 400
    assert len((await record(answer.headers["x-request-id"]))["attempts"]) == 1


async def test_fallbacks_can_be_forbidden(client, owner):
    answer = await ask(
        client, owner, model="sandbox/failover", provider={"order": ["sandbox"], "allow_fallbacks": False}
    )
    assert answer.status_code == 502
    assert len(answer.json()["error"]["metadata"]["attempts"]) == 1


async def test_a_dearer_endpoint_that_cannot_be_paid_is_skipped(client, orm, sandbox, make_model):
    """The hold is extended before a dearer endpoint is called; where that fails it is left out."""
    poor = await orm(person, credit_nanousd=340_000)
    model = await make_model((f"{sandbox.url}/v1", "fault-500"), (f"{sandbox.url}/v1", "steady"))
    answer = await ask(client, poor, "hi", model, max_tokens=120)
    assert answer.status_code == 502, answer.text
    booked = await record(answer.headers["x-request-id"])
    assert [a["detail"] for a in booked["attempts"]] == ["500", "not_affordable"]
