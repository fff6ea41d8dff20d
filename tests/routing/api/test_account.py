"""GET …/key and …/credits, asked by everybody there is."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cast import USD, person
from tests.routing.calls import ask

READ = ["/openai/v1/key", "/v1/key", "/api/v1/key", "/api/v1/credits", "/v1/credits"]
KEY_FIELDS = {
    *("label", "name", "limit", "limit_remaining", "limit_reset", "usage", "usage_daily", "usage_weekly"),
    *("usage_monthly", "expires_at", "is_management_key", "is_free_tier", "rate_limit"),
    *("include_byok_in_limit", "is_provisioning_key", "allowed_models", "allowed_cidrs"),
}


async def data(client, someone, path: str) -> dict:
    answer = await client.get(path, headers=someone.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize("path", [*READ, "/v1/generation?id=gen-00000000000000000000000000000000"])
async def test_without_a_key_it_is_401(client, path):
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_they_are_read_only(client, owner, path, method):
    answer = await client.request(method, path, headers=owner.headers, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


async def test_a_new_key_has_spent_nothing(client, owner):
    found = await data(client, owner, "/api/v1/key")
    assert set(found) == KEY_FIELDS
    assert found["label"].startswith("xr-v1-")
    assert found["label"] not in owner.secret
    assert (found["limit"], found["limit_remaining"], found["limit_reset"]) == (None, None, None)
    assert [found[f"usage{span}"] for span in ("", "_daily", "_weekly", "_monthly")] == [0, 0, 0, 0]
    assert (found["is_management_key"], found["expires_at"]) == (False, None)


async def test_what_a_request_cost_shows_at_once(client, owner):
    cost = sum([(await ask(client, owner, "[[tokens=50]]")).json()["usage"]["cost"] for _ in range(3)])
    found = await data(client, owner, "/api/v1/key")
    for span in ("", "_daily", "_weekly", "_monthly"):
        assert found[f"usage{span}"] == pytest.approx(cost)
    assert await data(client, owner, "/api/v1/credits") == {
        "total_credits": 100,
        "total_usage": pytest.approx(cost),
    }


async def test_keys_are_apart_and_the_workspace_is_shared(client, owner, member, stranger):
    cost = (await ask(client, owner, "[[tokens=50]]")).json()["usage"]["cost"]
    assert (await data(client, member, "/api/v1/key"))["usage"] == 0
    shared = {"total_credits": 100, "total_usage": pytest.approx(cost)}
    assert await data(client, member, "/api/v1/credits") == shared
    assert await data(client, stranger, "/api/v1/credits") == {"total_credits": 100, "total_usage": 0}


async def test_without_credit_one_can_still_look(client, broke):
    assert await data(client, broke, "/api/v1/credits") == {"total_credits": 0, "total_usage": 0}
    assert (await data(client, broke, "/api/v1/key"))["usage"] == 0


async def test_a_limit_and_an_expiry_are_told(client, orm):
    until = datetime.now(UTC) + timedelta(days=1)
    found = await orm(person, credit_nanousd=USD, limit_nanousd=USD // 2, limit_reset="daily", expires_at=until)
    cost = (await ask(client, found, "[[tokens=50]]")).json()["usage"]["cost"]
    shown = await data(client, found, "/api/v1/key")
    assert (shown["limit"], shown["limit_reset"]) == (0.5, "daily")
    assert shown["limit_remaining"] == pytest.approx(0.5 - cost)
    assert datetime.fromisoformat(shown["expires_at"]) == pytest.approx(until, abs=timedelta(seconds=1))
    assert not shown["is_management_key"]
    manages = await orm(person, is_management=True)
    assert (await data(client, manages, "/api/v1/key"))["is_management_key"]


async def test_no_secret_is_told(client, owner):
    for path in READ:
        answer = await client.get(path, headers=owner.headers)
        assert owner.secret not in answer.text
        assert owner.secret[6:20] not in answer.text
