"""GET …/models and …/models/{name}: for everybody, in OpenAI's shape with OpenRouter's keys."""

from decimal import Decimal

import pytest

FIELDS = {
    *("id", "object", "created", "owned_by", "name", "aliases", "description", "context_length", "architecture"),
    *("pricing", "top_provider", "supported_parameters"),
}


@pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/api/v1"])
async def test_the_list_is_public(client, prefix):
    answer = await client.get(f"{prefix}/models")
    assert answer.status_code == 200
    found = answer.json()
    assert found["object"] == "list"
    names = [model["id"] for model in found["data"]]
    assert len(names) == len(set(names))
    assert {"sandbox/echo", "sandbox/three"} <= set(names)
    for model in found["data"]:
        assert set(model) >= FIELDS
        assert (model["object"], model["owned_by"]) == ("model", model["id"].partition("/")[0])
        assert isinstance(model["created"], int)


async def test_only_what_can_be_called_is_listed(client):
    """No credential reaches the real providers here."""
    data = (await client.get("/v1/models")).json()["data"]
    assert {model["owned_by"] for model in data} <= {"sandbox", "test", "xroute"}


async def test_the_model_that_chooses_is_listed_and_can_be_called(client, owner):
    data = (await client.get("/v1/models")).json()["data"]
    auto = next(model for model in data if model["id"] == "xroute/auto")
    assert auto["pricing"]["prompt"] == "-1"
    assert "tools" in auto["supported_parameters"]
    assert (await client.get("/v1/models/xroute/auto")).json()["id"] == "xroute/auto"
    asked = {"model": "xroute/auto", "messages": [{"role": "user", "content": "hello"}]}
    answer = await client.post("/v1/chat/completions", json=asked, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] in {model["id"] for model in data} - {"xroute/auto"}


async def test_prices_are_usd_per_token_in_plain_decimals(client, owner):
    found = (await client.get("/v1/models/sandbox/echo")).json()
    assert found["pricing"] == {
        "prompt": "0.0000005",
        "completion": "0.0000015",
        "request": "0",
        "image": "0",
        "input_cache_read": "0.00000005",
    }
    asked = {"model": "sandbox/echo", "messages": [{"role": "user", "content": "[[tokens=50]]"}]}
    usage = (await client.post("/v1/chat/completions", json=asked, headers=owner.headers)).json()["usage"]
    cost = usage["prompt_tokens"] * Decimal(found["pricing"]["prompt"])
    cost += usage["completion_tokens"] * Decimal(found["pricing"]["completion"])
    assert float(cost) == pytest.approx(usage["cost"])


async def test_of_several_endpoints_the_cheapest_price_is_shown(client):
    assert (await client.get("/v1/models/sandbox/three")).json()["pricing"]["prompt"] == "0.0000005"


@pytest.mark.parametrize("name", ["sandbox/ecko", "nothing", "a/b/c/d", "%00", "x" * 300])
async def test_an_unknown_name_is_404_with_a_hint(client, name):
    answer = await client.get(f"/v1/models/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    if name == "sandbox/ecko":
        assert "sandbox/echo" in answer.json()["error"]["message"]


async def test_a_bad_key_does_not_matter_here(client):
    assert (await client.get("/v1/models", headers={"Authorization": "Bearer nonsense"})).status_code == 200


async def test_models_that_fail_on_purpose_are_found_by_name_and_listed_nowhere(client):
    listed = [row["id"] for row in (await client.get("/v1/models")).json()["data"]]
    assert "sandbox/echo" in listed
    assert not [name for name in listed if "fault" in name]
    assert "sandbox/fault-500" not in (await client.get("/models")).text
    assert (await client.get("/v1/models/sandbox/fault-500")).json()["id"] == "sandbox/fault-500"
    assert (await client.get("/models/sandbox/fault-500")).status_code == 200
