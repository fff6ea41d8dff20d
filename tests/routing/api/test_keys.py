"""…/keys: a management key makes, lists, changes and deletes the ordinary keys of its workspace, and no others."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from accounts import keys
from accounts.models import ApiKey, ApiKeySecret
from accounts.services import api_key_create
from tests.cast import USD, Person, person
from tests.routing.calls import ask

KEYS = "/api/v1/keys"
FIELDS = {
    *("hash", "name", "label", "disabled", "limit", "limit_remaining", "limit_reset", "include_byok_in_limit", "usage"),
    *("usage_daily", "usage_weekly", "usage_monthly", "requests_per_minute", "tokens_per_minute", "parallel_requests"),
    *("allowed_models", "allowed_cidrs", "created_at", "updated_at", "expires_at"),
}
LATER = (datetime.now(UTC) + timedelta(days=400)).isoformat()


def manager_of(someone: Person) -> Person:
    row = ApiKey.objects.get(pk=someone.key_id)
    made = api_key_create(workspace=row.workspace, created_by=row.created_by, name="manager", is_management=True)
    return Person(someone.user_id, someone.workspace_id, someone.account_id, made.key.pk, made.secret)


@pytest.fixture
async def manager(orm, owner) -> Person:
    return await orm(manager_of, owner)


@pytest.fixture
async def stranger_manager(orm, stranger) -> Person:
    return await orm(manager_of, stranger)


async def make(client, someone, name="Made", **more):
    return await client.post(KEYS, json={"name": name, **more}, headers=someone.headers)


async def made(client, someone, **more) -> tuple[dict, Person]:
    answer = await make(client, someone, **more)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    return found["data"], Person(someone.user_id, someone.workspace_id, someone.account_id, 0, found["key"])


async def told(client, someone, status: int, *, within_s: float = 30):
    """Until the worker knows of a change: a call with the key is answered so."""
    async with asyncio.timeout(within_s):
        while (answer := await ask(client, someone)).status_code != status:
            await asyncio.sleep(0.1)
    return answer


async def test_a_key_is_told_once_and_works(client, manager, owner, orm):
    answer = await make(client, manager, limit=1.5, limit_reset="monthly", expires_at=LATER, parallel_requests=4)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    found, secret = answer.json()["data"], answer.json()["key"]
    assert set(answer.json()) == {"data", "key"}
    assert set(found) == FIELDS
    assert keys.well_formed(secret)
    assert (found["name"], found["label"], found["disabled"]) == ("Made", keys.label(secret), False)
    assert (found["limit"], found["limit_remaining"], found["limit_reset"]) == (1.5, 1.5, "monthly")
    assert datetime.fromisoformat(found["expires_at"]) == datetime.fromisoformat(LATER)
    cost = (await ask(client, Person(0, 0, 0, 0, secret), "[[tokens=50]]")).json()["usage"]["cost"]
    shown = (await client.get(f"{KEYS}/{found['hash']}", headers=manager.headers)).json()["data"]
    assert shown["usage"] == shown["usage_daily"] == pytest.approx(cost)
    assert shown["limit_remaining"] == pytest.approx(1.5 - cost)
    assert secret not in str(shown)
    row = await orm(lambda: ApiKeySecret.objects.select_related("key").get(digest=keys.digest(secret)).key)
    assert (row.workspace_id, row.created_by_id, row.is_management) == (owner.workspace_id, owner.user_id, False)
    assert found["hash"] not in (keys.digest(secret).hex(), keys.digest(secret).hex()[:32])


async def test_sent_again_it_makes_a_second_key(client, manager):
    one, two = await make(client, manager), await make(client, manager)
    assert one.json()["key"] != two.json()["key"]
    assert one.json()["data"]["hash"] != two.json()["data"]["hash"]


async def test_the_list_has_pages_and_leaves_out_what_is_disabled_and_what_manages(client, manager, owner, stranger):
    names = [(await made(client, manager, name=f"n{number}"))[0] for number in range(3)]
    await client.patch(f"{KEYS}/{names[1]['hash']}", json={"disabled": True}, headers=manager.headers)

    async def listed(**query) -> list[str]:
        answer = await client.get(KEYS, params=query, headers=manager.headers)
        assert answer.status_code == 200
        return [row["name"] for row in answer.json()["data"]]

    assert await listed() == ["n2", "n0", "test"]
    assert await listed(include_disabled="true") == ["n2", "n1", "n0", "test"]
    assert await listed(include_disabled="true", offset=3) == ["test"]
    assert await listed(offset=50) == []
    for query in ({"offset": "-1"}, {"offset": "many"}, {"offset": "9" * 30}, {"include_disabled": "perhaps"}):
        answer = await client.get(KEYS, params=query, headers=manager.headers)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(query)))


async def test_changes_are_in_force_on_the_worker(client, manager):
    found, other = await made(client, manager)
    url = f"{KEYS}/{found['hash']}"
    await told(client, other, 200)
    changed = await client.patch(url, json={"name": "Renamed", "disabled": True}, headers=manager.headers)
    assert (changed.json()["data"]["name"], changed.json()["data"]["disabled"]) == ("Renamed", True)
    assert changed.json()["data"]["updated_at"] >= found["created_at"]
    assert (await told(client, other, 401)).json()["error"]["code"] == "key_disabled"
    await client.patch(url, json={"disabled": False, "allowed_models": ["sandbox/three"]}, headers=manager.headers)
    assert (await told(client, other, 403)).json()["error"]["code"] == "model_not_allowed"
    await client.patch(url, json={"allowed_models": [], "allowed_cidrs": ["192.0.2.0/24"]}, headers=manager.headers)
    async with asyncio.timeout(30):
        while (await told(client, other, 403)).json()["error"]["code"] != "ip_not_allowed":
            await asyncio.sleep(0.1)
    answer = await client.patch(url, json={"allowed_cidrs": None, "limit": 0.000000001}, headers=manager.headers)
    assert (answer.json()["data"]["limit"], answer.json()["data"]["name"]) == (1e-9, "Renamed")
    assert (await told(client, other, 402)).json()["error"]["code"] == "key_limit_reached"


async def test_a_deleted_key_is_refused_and_gone(client, manager, orm):
    found, other = await made(client, manager)
    url = f"{KEYS}/{found['hash']}"
    answer = await client.delete(url, headers=manager.headers)
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})
    assert (await told(client, other, 401)).json()["error"]["code"] == "key_revoked"
    for method in ("GET", "DELETE", "PATCH"):
        again = await client.request(method, url, json={}, headers=manager.headers)
        assert (again.status_code, again.json()["error"]["code"]) == (404, "key_not_found")
    assert await orm(lambda: ApiKey.objects.get(public_id=found["hash"]).revoked_at)  # it stays in the books


async def test_an_ordinary_key_manages_nothing(client, manager, owner, member, broke, stranger):
    found, _ = await made(client, manager)
    asked = [("POST", KEYS, {"name": "x"}), ("GET", KEYS, None)]
    asked += [(method, f"{KEYS}/{found['hash']}", {"name": "x"}) for method in ("GET", "PATCH", "DELETE")]
    for method, path, given in asked:
        for someone in (owner, member, broke, stranger):
            answer = await client.request(method, path, json=given, headers=someone.headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "management_key_required"), method
            assert "under Keys" in answer.json()["error"]["message"]
        assert (await client.request(method, path, json=given)).status_code == 401


async def test_another_workspaces_keys_and_management_keys_are_not_there(client, manager, stranger_manager, orm):
    found, _ = await made(client, manager)
    own = await orm(lambda: ApiKey.objects.get(pk=manager.key_id).public_id.hex)
    for someone, hash_ in ((stranger_manager, found["hash"]), (manager, own), (manager, "0" * 32), (manager, "x")):
        for method in ("GET", "PATCH", "DELETE"):
            answer = await client.request(method, f"{KEYS}/{hash_}", json={"name": "x"}, headers=someone.headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "key_not_found")
    names = [row["name"] for row in (await client.get(KEYS, headers=stranger_manager.headers)).json()["data"]]
    assert names == ["test"]
    assert await orm(lambda: ApiKey.objects.get(pk=manager.key_id).revoked_at) is None


async def test_a_management_key_calls_no_model(client, manager):
    answer = await ask(client, manager)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "management_key")
    assert "POST /api/v1/keys" in answer.json()["error"]["message"]


async def test_a_revoked_management_key_makes_none_even_where_a_worker_still_knows_it(client, manager, orm):
    """The statement looks itself: the rights of a key end with its row, not with a cache."""
    assert (await client.get(KEYS, headers=manager.headers)).status_code == 200
    await orm(lambda: ApiKey.objects.filter(pk=manager.key_id).update(disabled=True))
    assert (await make(client, manager)).status_code in (401, 403)
    assert await orm(lambda: ApiKey.objects.filter(workspace_id=manager.workspace_id, name="Made").count()) == 0


@pytest.mark.parametrize(
    ("param", "value"),
    [
        *[("name", value) for value in ("", "  ", None, 5, "x" * 101, "a\u202eb", "a\nb")],
        *[("limit", value) for value in (-1, 1e7, True, "5", [], 1e-12)],
        *[("limit_reset", value) for value in ("never", "hourly", 1, [])],
        *[("expires_at", value) for value in ("2001-01-01T00:00:00Z", "2090-01-01T00:00:00", "soon", 5)],
        *[("requests_per_minute", value) for value in (0, -1, 1.5, True, "5", 10**12)],
        *[("parallel_requests", value) for value in (0, 10**6)],
        *[("allowed_models", value) for value in ("sandbox/echo", ["sandbox/ecko"], [5], ["sandbox/echo"] * 101)],
        *[("allowed_cidrs", value) for value in (["10.0.0.0/33"], ["here"], [None], "10.0.0.1")],
        *[("disabled", value) for value in (1, None)],
        *[("include_byok_in_limit", value) for value in (True, 0)],
        *[(field, True) for field in ("is_management", "workspace_id", "limitt", "hash")],
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_changed(client, manager, param, value):
    found, _ = await made(client, manager)
    answer = await client.patch(f"{KEYS}/{found['hash']}", json={param: value}, headers=manager.headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    answer = await make(client, manager, **{"name": "Made", param: value})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert len((await client.get(KEYS, headers=manager.headers)).json()["data"]) == 2


@pytest.mark.parametrize("given", [b"", b"{", b"[]", b"5", b'"x"', b"{}"])
async def test_a_body_that_is_none_is_400(client, manager, given):
    answer = await client.post(KEYS, content=given, headers=manager.headers)
    assert answer.status_code == 400, answer.text


async def test_aliases_and_addresses_are_kept_in_one_form(client, manager):
    found, _ = await made(client, manager, allowed_cidrs=["192.0.2.7/24", "192.0.2.9/24", "2001:DB8::1"])
    assert found["allowed_cidrs"] == ["192.0.2.0/24", "2001:db8::1/128"]


async def test_usage_of_each_is_its_own(client, manager):
    (first, one), (second, _) = await made(client, manager), await made(client, manager)
    cost = (await ask(client, one, "[[tokens=30]]")).json()["usage"]["cost"]
    rows = (await client.get(KEYS, headers=manager.headers)).json()["data"]
    usage = {row["hash"]: row["usage"] for row in rows}
    assert usage[first["hash"]] == pytest.approx(cost)
    assert usage[second["hash"]] == 0


async def test_a_funded_person_alone_is_enough_for_a_management_key(client, orm):
    alone = await orm(person, credit_nanousd=USD, is_management=True)
    assert (await make(client, alone)).status_code == 201
