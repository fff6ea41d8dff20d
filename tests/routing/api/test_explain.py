"""POST …/route/explain: the choice without the call."""

import pytest

from tests.routing.calls import body


async def explain(client, someone, prefix: str = "/api/v1", **fields):
    return await client.post(f"{prefix}/route/explain", json=body(**fields), headers=someone.headers)


@pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/api/v1"])
async def test_it_tells_who_would_be_tried_and_who_not(client, owner, prefix):
    asked = {"model": "sandbox/three", "provider": {"ignore": ["sandbox-b"]}}
    found = (await explain(client, owner, prefix, **asked)).json()["data"]
    assert (found["asked"], found["strategy"], found["attempts_max"]) == ("sandbox/three", "price", 3)
    rows = [(c["provider"], c["place"], c["outcome"], c["reason"]) for c in found["candidates"]]
    assert rows == [
        ("sandbox", 1, "would be tried", None),
        ("sandbox-c", 2, "would be tried", None),
        ("sandbox-b", None, "left out", "listed in provider.ignore"),
    ]
    assert found["candidates"][0]["pricing"] == {"prompt": "0.0000005", "completion": "0.0000015"}
    assert 0 < found["candidates"][0]["expected_cost"] <= found["upper_bound"]


async def test_nothing_is_sent_reserved_or_billed(client, owner, sandbox):
    before = sandbox.get("/healthz")["served"]
    assert (await explain(client, owner, model="sandbox/three")).status_code == 200
    assert sandbox.get("/healthz")["served"] == before


async def test_who_has_no_credit_may_ask_too_and_nobody_may_not(client, broke):
    assert (await explain(client, broke, model="sandbox/three")).status_code == 200
    answer = await client.post("/api/v1/route/explain", json=body())
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


async def test_auto_says_what_it_went_by(client, owner):
    found = (await explain(client, owner, model="xroute/auto")).json()["data"]
    assert found["auto"].startswith("a light request")
    assert found["candidates"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "sandbox/thre"}, 404, "model_not_found"),
        ({"model": "sandbox/three", "models": ["no/such"]}, 404, "model_not_found"),
        ({"model": "sandbox/three", "provider": {"zdr": True}}, 404, "no_endpoints"),
        ({"model": "sandbox/three", "provider": {"sort": "fast"}}, 400, None),
    ],
)
async def test_what_could_not_be_called_is_refused_as_a_call_would_be(client, owner, fields, status, code):
    answer = await explain(client, owner, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
