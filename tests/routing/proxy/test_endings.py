"""What is charged, by how a stream ended: the table of docs/decisions/0004, over real HTTP."""

import asyncio

import httpx
import pytest

from billing.pricing import Usage, cost_nanousd
from routing.models import Endpoint, EndpointPrice
from routing.proxy.ending import Ending, charge
from routing.proxy.generation import Generation
from tests.cast import USD, person
from tests.routing.calls import CHAT, ask, body, identified, record, stream
from tests.routing.facts import chat, endpoint
from tests.routing.proxy.scripted import DONE, chunk, scripted, usage
from tests.routing.rows import known
from xroute.lib.ids import new_id

USAGE = {"include_usage": True}
SAID = [chunk("twelve bytes"), chunk("twelve bytes")]  # six tokens, as estimated


async def told(client, owner, make_model, parts) -> tuple:
    """What the client saw and the ledger has of a stream of `parts`; 1 USD a million in, 2 out."""
    async with scripted(parts) as url:
        model = await make_model((url, "m"))
        seen = await stream(client, owner, "what do you say?", model, stream_options=USAGE)
    return seen, await record(seen.request_id)


async def test_complete_the_reported_usage_in_full(client, owner, make_model):
    seen, booked = await told(client, owner, make_model, [*SAID, chunk(finish="stop"), usage(11, 22), DONE])
    assert seen.done
    assert seen.usage["cost"] == 0.000055
    assert (booked["basis"], booked["reason"], booked["cost_nanousd"]) == ("reported", "", 55_000)


async def test_complete_above_what_was_reserved(client, owner, make_model):
    """The answer was longer than max_tokens allowed: it is charged in full all the same."""
    async with scripted([*SAID, chunk(finish="stop"), usage(11, 5000), DONE]) as url:
        model = await make_model((url, "m"))
        seen = await stream(client, owner, "hi", model, max_tokens=10)
    booked = await record(seen.request_id)
    assert booked["cost_nanousd"] == 11_000 + 10_000_000
    assert booked["cost_nanousd"] > booked["held_nanousd"]
    assert (booked["basis"], booked["reason"]) == ("reported", "usage_above_max")


@pytest.mark.parametrize(
    ("asked", "reported", "reason"),
    [
        ({"max_tokens": 10}, 1000, ""),
        ({"max_tokens": 10}, 1001, "usage_above_max"),
        ({"max_tokens": 500}, 2000, ""),
        ({"max_tokens": 500}, 2001, "usage_above_max"),
        ({"max_completion_tokens": 500, "n": 2}, 4000, ""),
        ({}, 7000, ""),
    ],
)
def test_a_report_far_above_the_maximum_is_billed_and_marked(asked, reported, reason):
    generation = Generation(new_id(), "", None, chat(**asked), ())
    found = charge(Ending("complete", Usage(5, reported), 40, "stop"), generation, endpoint())
    assert (found.basis, found.reason, found.usage.completion) == ("reported", reason, reported)
    assert found.cost == cost_nanousd(endpoint().prices, Usage(5, reported))


async def test_the_operator_is_told_once_an_hour_for_each_endpoint(web_factory, owner, make_model):
    async with scripted([*SAID, chunk(finish="stop"), usage(11, 5000), DONE]) as url:
        models = [await make_model((url, "m")), await make_model((url, "m"))]
        web = await asyncio.to_thread(web_factory)
        async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
            for model in (*models, *models):
                seen = await stream(client, owner, "hi", model, max_tokens=10)
                assert (await record(seen.request_id))["reason"] == "usage_above_max"
    told = [line for line in web.log.read_text().splitlines() if "far above the maximum" in line]
    assert [any(f"ALERT {model} at" in line for line in told) for model in models] == [True, True]
    assert len(told) == 2


@pytest.mark.parametrize("end", [[], [DONE]])
async def test_ended_upstream_midway_the_estimate_of_what_was_relayed(client, owner, make_model, end):
    seen, booked = await told(client, owner, make_model, [*SAID, *end])
    assert not seen.done
    assert seen.error
    assert (booked["basis"], booked["reason"], booked["completion_tokens"]) == ("estimated", "cut", 6)
    assert booked["cost_nanousd"] == booked["prompt_tokens"] * 1000 + 6 * 2000


async def test_ended_upstream_midway_with_usage_what_it_reported(client, owner, make_model):
    _, booked = await told(
        client,
        owner,
        make_model,
        [chunk("twelve bytes", usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})],
    )
    assert (booked["basis"], booked["cost_nanousd"]) == ("reported", 11_000)


async def test_an_error_verdict_inside_the_answer_costs_nothing(client, owner, make_model):
    """Finish reason `error`: the house bears what had been produced."""
    seen, booked = await told(client, owner, make_model, [*SAID, chunk(finish="error"), usage(11, 22), DONE])
    assert seen.error
    assert not seen.done
    assert (booked["basis"], booked["cost_nanousd"]) == ("not_charged", 0)
    assert booked["house_nanousd"] > 0


@pytest.mark.parametrize("parts", [[], [DONE], [b": hello\n\n"], [usage(11, 0), DONE]])
async def test_nothing_said_nothing_charged(client, owner, make_model, parts):
    """Zero completion tokens and no finish reason."""
    seen, booked = await told(client, owner, make_model, parts)
    assert not seen.done
    assert (booked["basis"], booked["cost_nanousd"]) == ("not_charged", 0)


async def test_an_empty_plain_answer_costs_nothing(client, owner, sandbox):
    answer = await ask(client, owner, model="sandbox/fault-empty")
    booked = await record(answer.headers["x-request-id"])
    assert (booked["basis"], booked["cost_nanousd"]) == ("not_charged", 0)


async def test_error_text_is_never_billed(client, owner):
    seen = await stream(client, owner, "[[tokens=9]]", "sandbox/fault-error-midstream-3")
    booked = await record(seen.request_id)
    assert booked["completion_tokens"] == 3
    assert booked["reason"] == "in_band"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_missing_usage_is_estimated(client, owner, sandbox, streamed):
    if streamed:
        seen = await stream(client, owner, "[[tokens=40]]", "sandbox/fault-usage-missing", stream_options=USAGE)
        shown, name = seen.usage, seen.request_id
    else:
        answer = await ask(client, owner, "[[tokens=40]]", "sandbox/fault-usage-missing")
        shown, name = answer.json()["usage"], answer.headers["x-request-id"]
    booked = await record(name)
    assert (booked["basis"], booked["reason"], booked["completion_tokens"]) == ("estimated", "usage_missing", 40)
    assert shown["completion_tokens"] == 40
    assert round(shown["cost"] * 1e9) == booked["cost_nanousd"] > 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_absurd_usage_is_not_believed(client, owner, streamed):
    """Huge, negative, no numbers: each in its turn, each charged as an estimate within the reservation."""
    for _ in range(3):
        if streamed:
            name = (await stream(client, owner, "[[tokens=40]]", "sandbox/fault-usage-absurd")).request_id
        else:
            answer = await ask(client, owner, "[[tokens=40]]", "sandbox/fault-usage-absurd")
            name = answer.headers["x-request-id"]
        booked = await record(name)
        assert (booked["basis"], booked["completion_tokens"]) == ("estimated", 40)
        assert 0 < booked["cost_nanousd"] <= booked["held_nanousd"]


@pytest.mark.parametrize("report", [(11, 100_001), (1_000_000, 5)])
async def test_more_than_the_endpoint_can_do_is_not_believed(client, owner, make_model, report):
    _, booked = await told(client, owner, make_model, [*SAID, chunk(finish="stop"), usage(*report), DONE])
    assert (booked["basis"], booked["reason"], booked["completion_tokens"]) == ("estimated", "usage_absurd", 6)


async def test_out_of_credit_what_was_relayed(client, orm):
    """A stream reserves little and asks for more as it goes; where there is no more, it ends there, and says so."""
    poor = await orm(person, credit_nanousd=USD // 200)
    seen = await stream(client, poor, "[[tokens=20000]]", "sandbox/echo")
    assert seen.status == 200
    assert (seen.error["type"], seen.error["code"]) == ("insufficient_quota", "insufficient_credits")
    assert "Credits page" in seen.error["message"]
    assert not seen.done
    booked = await record(seen.request_id)
    assert (booked["basis"], booked["reason"]) == ("estimated", "insufficient_credits")
    assert USD // 400 < booked["cost_nanousd"] <= USD // 200


async def test_a_price_edited_midway_does_not_change_what_runs(client, owner, orm, make_model):
    edited = asyncio.Event()
    async with scripted([*SAID, edited, chunk(finish="stop"), usage(11, 22), DONE]) as url:
        model = await make_model((url, "m"))
        running = asyncio.create_task(stream(client, owner, "hi", model, stream_options=USAGE))
        async with client.stream("POST", CHAT, json=body("hi", model, stream=True), headers=identified(owner)) as begun:
            await orm(price_edit, model)
            await known(client, model, lambda shown: shown["pricing"]["prompt"] == "0.0001")
            edited.set()
            await begun.aread()
        seen = await running
        after = await stream(client, owner, "hi", model)
    assert (await record(seen.request_id))["cost_nanousd"] == 55_000 == round(seen.usage["cost"] * 1e9)
    assert (await record(begun.request.headers["x-request-id"]))["cost_nanousd"] == 55_000
    assert (await record(after.request_id))["cost_nanousd"] == 5_500_000


def price_edit(slug: str) -> None:
    """A hundred times as dear."""
    endpoint = Endpoint.objects.get(model__slug=slug)
    EndpointPrice.objects.create(endpoint=endpoint, input=100 * USD, output=200 * USD)
