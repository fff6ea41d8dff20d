"""POST …/chat/completions over real HTTP, against the sandbox."""

import pytest


def body(model: str = "sandbox/echo", text: str = "hello", **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 1000, **more}


@pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/api/v1"])
async def test_a_plain_answer_is_billed_and_in_the_ledger(client, owner, prefix):
    answer = await client.post(f"{prefix}/chat/completions", json=body(), headers=owner.headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["id"] == answer.headers["x-generation-id"]
    assert found["provider"] == "sandbox"
    assert found["model"] == "sandbox/echo"
    usage = found["usage"]
    assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 0.5 + usage["completion_tokens"] * 1.5) / 1e6)
    record = await client.get(f"{prefix}/generation", params={"id": found["id"]}, headers=owner.headers)
    assert record.status_code == 200
    assert record.json()["data"]["total_cost"] == usage["cost"]


async def test_without_credit_it_is_402_and_says_what_is_affordable(client, broke):
    answer = await client.post("/v1/chat/completions", json=body(), headers=broke.headers)
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_credits")
    assert error["metadata"]["affordable_max_tokens"] == 0


async def test_another_workspaces_generation_is_404(client, owner, stranger):
    answer = await client.post("/v1/chat/completions", json=body(), headers=owner.headers)
    found = await client.get("/v1/generation", params={"id": answer.json()["id"]}, headers=stranger.headers)
    assert found.status_code == 404
