"""GET …/activity: thirty completed days of a workspace, for its management keys."""

import os
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from billing.pricing import Usage
from billing.rollups import rollups_add
from tests.billing.parts import record
from tests.cast import USD, Person, person
from xroute.lib.ids import new_id

PATH = "/api/v1/activity"
FIELDS = {
    *("date", "model", "model_permaslug", "provider_name", "usage", "requests", "prompt_tokens"),
    *("completion_tokens", "reasoning_tokens"),
}
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
async def manager(orm) -> Person:
    return await orm(person, credit_nanousd=USD, is_management=True)


async def book(someone: Person, *rows: tuple[float, str, str, int]) -> None:
    """One batch: days ago, model, provider, cost."""
    made = [
        record(
            someone.account_id,
            cost,
            id=new_id(round((NOON - timedelta(days=days)).timestamp() * 1000)),
            workspace_id=someone.workspace_id,
            key_id=someone.key_id,
            model=model,
            provider=provider,
            usage=Usage(10, 5, reasoning=2),
        )
        for days, model, provider, cost in rows
    ]
    values = (new_id(), new_id(), Jsonb([row.as_json(held=0, key_held=0) for row in made]))
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as conn:
        await conn.execute("SELECT xr_meter_commit(%s, %s, %s)", values)


def day(days: int) -> str:
    return (NOON - timedelta(days=days)).date().isoformat()


async def data(client, someone, **query) -> list[dict]:
    answer = await client.get(PATH, params=query, headers=someone.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_days_models_and_providers_are_apart_and_today_is_not_over(client, manager, orm, rolled_up):
    calls = [(0, "a/b", "P", 7), (1, "a/b", "P", 1000), (1, "a/b", "P", 500), (1, "a/b", "Q", 1), (1, "c/d", "P", 2)]
    await book(manager, *calls, (30, "a/b", "P", 3), (31, "a/b", "P", 4))
    if rolled_up:
        await orm(rollups_add)
    rows = await data(client, manager)
    assert all(set(row) == FIELDS for row in rows)
    assert [(row["date"], row["model"], row["provider_name"], row["requests"]) for row in rows] == [
        (day(1), "a/b", "P", 2),
        (day(1), "c/d", "P", 1),
        (day(1), "a/b", "Q", 1),
        (day(30), "a/b", "P", 1),
    ]
    assert rows[0]["usage"] == pytest.approx(1500e-9)
    assert [rows[0][f"{kind}_tokens"] for kind in ("prompt", "completion", "reasoning")] == [20, 10, 4]
    assert [row["date"] for row in await data(client, manager, date=day(30))] == [day(30)]
    assert await data(client, manager, date=day(2)) == []


@pytest.mark.parametrize("given", ["today", "2020-01-01", "20200101", day(0), day(-1), day(31), "2026-02-30", "\x00"])
async def test_another_day_is_400(client, manager, given):
    answer = await client.get(PATH, params={"date": given}, headers=manager.headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "date")


async def test_an_ordinary_key_is_refused_with_the_remedy(client, owner, member, broke, stranger):
    for someone in (owner, member, broke, stranger):
        answer = await client.get(PATH, headers=someone.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "management_key_required")
        assert "under Keys" in answer.json()["error"]["message"]
    assert (await client.get(PATH)).status_code == 401


async def test_it_is_of_ones_own_workspace(client, manager, orm):
    other = await orm(person, credit_nanousd=USD, is_management=True)
    await book(other, (1, "a/b", "P", 5))
    assert await data(client, manager) == []
    assert len(await data(client, other)) == 1
