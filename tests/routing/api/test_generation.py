"""GET …/generation?id=gen-…: there the moment the answer has ended, and for its own workspace only."""

import pytest

from routing.models import Model
from tests.routing.calls import ask, record, stream
from tests.routing.rows import known, model_make

PRICES = {"input": "10", "output": "20", "cached_input": "2"}

FIELDS = {
    *("id", "upstream_id", "request_id", "model", "provider_name", "total_cost", "usage", "usage_basis"),
    *("usage_reason", "late", "cache_discount", "streamed", "cancelled", "created_at", "latency"),
    *("generation_time", "tokens_prompt", "tokens_completion", "native_tokens_prompt"),
    *("native_tokens_completion", "native_tokens_cached", "native_tokens_reasoning", "finish_reason"),
    *("native_finish_reason", "provider_responses", "is_byok", "route"),
}


async def detail(client, someone, name: str, prefix: str = "/api/v1"):
    return await client.get(f"{prefix}/generation", params={"id": name}, headers=someone.headers)


@pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/api/v1"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_it_is_there_when_the_answer_ends(client, owner, prefix, streamed):
    text = "[[cached=4]] [[reasoning=3]] [[tokens=20]]"
    if streamed:
        seen = await stream(client, owner, text, stream_options={"include_usage": True})
        name, usage, request_id = seen.headers["x-generation-id"], seen.usage, seen.request_id
    else:
        answer = await ask(client, owner, text)
        name, usage, request_id = answer.json()["id"], answer.json()["usage"], answer.headers["x-request-id"]
    found = (await detail(client, owner, name, prefix)).json()["data"]
    assert set(found) == FIELDS
    assert (found["id"], found["request_id"], found["model"]) == (name, request_id, "sandbox/echo")
    assert found["total_cost"] == found["usage"] == usage["cost"]
    assert (found["tokens_prompt"], found["tokens_completion"]) == (usage["prompt_tokens"], 23)
    assert (found["native_tokens_cached"], found["native_tokens_reasoning"]) == (4, 3)
    assert (found["streamed"], found["cancelled"], found["late"]) == (streamed, False, False)
    assert (found["usage_basis"], found["finish_reason"]) == ("reported", "stop")
    assert found["upstream_id"].startswith("chatcmpl-")
    assert [one["outcome"] for one in found["provider_responses"]] == ["answered"]
    assert found["latency"] >= 0 <= found["generation_time"]
    # Four cached tokens at a tenth of the price of the prompt, which is 0.5 USD per million.
    assert found["cache_discount"] == pytest.approx(4 * 0.45e-6, abs=1e-9)
    assert found["is_byok"] is False
    assert [(c["provider"], c["place"], c["outcome"]) for c in found["route"]["candidates"]] == [
        ("sandbox", 1, "answered")
    ]


async def test_the_discount_is_at_the_price_that_was_charged(client, owner, orm, sandbox):
    slug = await orm(model_make, (f"{sandbox.url}/v1", "sandbox/echo"), usd_per_million=PRICES)
    await orm(lambda: Model.objects.filter(slug=slug).update(margin_bp=10_000))
    await known(client, slug, lambda found: found["pricing"]["prompt"] == "0.00002")
    name = (await ask(client, owner, "[[cached=4]]", slug)).json()["id"]
    found = (await detail(client, owner, name)).json()["data"]
    assert found["cache_discount"] == pytest.approx(4 * 16e-6, abs=1e-9)
    plain = (await ask(client, owner, "hello", slug)).json()["id"]
    assert (await detail(client, owner, plain)).json()["data"]["cache_discount"] is None


async def test_who_may_see_it(client, owner, member, stranger, broke):
    name = (await ask(client, owner)).json()["id"]
    assert (await detail(client, member, name)).status_code == 200
    for other in (stranger, broke):
        answer = await detail(client, other, name)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "generation_not_found")
    unknown = await detail(client, owner, "gen-" + "0" * 32)
    theirs = await detail(client, stranger, name)
    assert unknown.json()["error"]["code"] == theirs.json()["error"]["code"], "existence is not told"


@pytest.mark.parametrize("given", ["", "gen-", "gen-xyz", "1", "gen-" + "0" * 31, "gen-" + "g" * 32, "'; --", "\x00"])
async def test_what_is_no_id_is_400(client, owner, given):
    answer = await detail(client, owner, given)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "id")


async def test_an_id_of_another_time_is_404(client, owner):
    for odd in ("gen-" + "f" * 32, "gen-" + "0" * 31 + "1"):
        assert (await detail(client, owner, odd)).status_code == 404


async def test_a_failed_one_is_there_too(client, owner):
    answer = await ask(client, owner, model="sandbox/fault-502")
    name = answer.json()["error"]["metadata"]["generation_id"]
    found = (await detail(client, owner, name)).json()["data"]
    assert (found["total_cost"], found["usage_basis"], found["usage_reason"]) == (0, "not_charged", "server")
    assert found["provider_responses"][0]["outcome"] == "server"
    assert (await record(found["request_id"]))["finish_reason"] == ""
