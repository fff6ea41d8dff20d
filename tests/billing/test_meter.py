"""The meter: each record in the ledger exactly once, whatever fails, and none can stop the others."""

import asyncio
from datetime import date

import psycopg
import pytest
from hypothesis import given, settings, strategies as st
from psycopg.types.json import Jsonb

from billing.meter import Batch
from tests.billing.books import REVENUE, Books
from tests.billing.parts import batch_of, record, worker
from tests.lib.waiting import until
from xroute.lib.ids import new_id

NOBODY = 987_654_321
DAY = date(2026, 1, 1)


async def test_a_settlement_books_charges_and_releases(books):
    account = books.account(100)
    key = books.key(account, limit=50)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 30, key_id=key, period=DAY)
        assert await one.settle(hold, 12) == "committed"
        assert books.balance(account) == (88, 18, 0)
        assert books.period(key) == (12, 18)
        assert one.treasurer.pots.account(account).free == 18
    assert [row[1:] for row in books.records(account)] == [(12, 12, False)]
    assert books.usage_transfers(account) == [(REVENUE, 12)]


async def test_a_cost_above_the_reservation_is_posted_in_full(books):
    account = books.account(100)
    async with worker(books.url) as one:
        await one.settle(await one.reserve(account, 30), 45)
    assert books.balance(account) == (55, 0, 0)
    assert [row[1:] for row in books.records(account)] == [(45, 30, False)]


async def test_while_one_batch_commits_the_next_gathers(books):
    account = books.account(1000)
    async with worker(books.url, batch_max=20) as one:
        outcomes = await asyncio.gather(*(one.settle(None, 1, account=account) for _ in range(50)))
        assert set(outcomes) == {"committed"}
        await one.meter.drained()
    assert books.batches(account) == [(20, 20), (20, 20), (10, 10)]
    assert sorted(amount for _, amount in books.usage_transfers(account)) == [10, 20, 20]
    assert books.balance(account) == (950, 0, 0)


async def test_one_batch_carries_one_worker_id_and_one_transfer_for_each_account(books):
    first, second = books.account(100), books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(first, 10)
        await one.lease.register()
        other = await one.reserve(first, 10)
        await asyncio.gather(
            one.settle(hold, 4), one.settle(other, 5), one.settle(None, 6, account=second), one.settle(other, 0)
        )
    assert books.batches(first) == [(1, 4), (3, 11)]
    assert books.usage_transfers(second) == [(REVENUE, 6)]
    assert books.balance(first)[0] == 91


async def test_the_same_batch_commits_once(books):
    account = books.account(100)
    async with worker(books.url) as one:
        batch = batch_of(one.id, record(account, 7), record(account, 8))
        await asyncio.gather(*(one.committer.commit(batch) for _ in range(3)))
        await one.replay(batch.to_bytes())
    assert books.balance(account) == (85, 0, 0)
    assert len(books.records(account)) == 2


async def test_one_generation_is_booked_once_though_it_comes_in_two_batches(books):
    account, generation = books.account(100), new_id()
    async with worker(books.url) as one:
        for _ in range(2):
            await one.settle(None, 7, account=account, id=generation)
    assert books.balance(account)[0] == 93
    assert [row[0] for row in books.rejected(account)] == [generation]


def poisons(books: Books):
    return [record(NOBODY, 5), record(books.account(1), 5, basis="nonsense")]


@pytest.mark.parametrize("number", [0, 1])
async def test_a_poisoned_record_is_set_apart_and_the_others_are_booked(books, number):
    account = books.account(1000)
    bad = poisons(books)[number]
    async with worker(books.url) as one:
        rows = [record(account, 1) for _ in range(9)]
        rows.insert(4, bad)
        futures = [one.meter.submit(row, None, one.id) for row in rows]
        assert await asyncio.gather(*futures) == ["committed"] * 10
    assert books.balance(account)[0] == 991
    assert len(books.records(account)) == 9
    ((found, error),) = books.rejected(bad.account_id)[-1:]
    assert found == bad.id
    assert error.startswith("235")


@settings(max_examples=12)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
async def test_wherever_poisoned_records_stand_every_other_one_is_booked_once(books, poisoned):
    account = books.account(1000)
    rows = [record(NOBODY if bad else account, 1) for bad in poisoned]
    async with worker(books.url) as one:
        batch = batch_of(one.id, *rows)
        apart = await one.committer.commit(batch)
        assert await one.committer.commit(batch) == apart
    assert apart == {str(row.id) for row, bad in zip(rows, poisoned, strict=True) if bad}
    assert {row[0] for row in books.records(account)} == {row.id for row in rows if row.account_id == account}
    assert books.balance(account)[0] == 1000 - poisoned.count(False)


async def test_what_held_for_a_rejected_record_goes_back(books):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 40)
        await one.settle(hold, 30, basis="nonsense")
        assert one.treasurer.pots.account(account).held == books.balance(account)[1] == 40
        one.treasurer.recalled(str(account))
        await until(lambda: books.balance(account) == (100, 0, 0), within_s=20)
    assert len(books.rejected(account)) == 1


async def test_a_record_that_not_even_jsonb_takes_is_kept_as_text(books):
    """Batches of other versions lie in spools: nothing in them may be tried for ever."""
    async with worker(books.url) as one:
        batch = batch_of(one.id, record(books.account(5), 1))
        batch.records[0]["model"] = "a\x00b"
        assert await one.committer.commit(batch) == {batch.records[0]["id"]}
    ((payload,),) = books.sql("SELECT payload FROM billing_rejectedusage WHERE batch_id = %s", (batch.id,))
    assert batch.records[0]["id"] in payload["unreadable"]


async def test_a_waiter_that_is_cancelled_harms_nobody(books):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 10)
        gone = asyncio.create_task(one.settle(hold, 5))
        stays = [asyncio.create_task(one.settle(None, 1, account=account)) for _ in range(3)]
        await asyncio.sleep(0)
        gone.cancel()
        one.meter.submit(record(account, 1), None, one.id).cancel()
        assert await asyncio.gather(*stays) == ["committed"] * 3
        await one.meter.drained()
        assert hold.ended
    assert books.balance(account) == (91, 0, 0)
    assert len(books.records(account)) == 5


async def test_a_second_settlement_of_a_hold_takes_nothing_of_what_others_hold(books):
    """It is charged, for it was booked; but the hold ended with the first one."""
    account = books.account(100)
    async with worker(books.url) as one:
        hold, other = await one.reserve(account, 20), await one.reserve(account, 30)
        await asyncio.gather(one.settle(hold, 20), one.settle(hold, 20))
        await one.settle(hold, 1)
        assert books.balance(account) == (59, 30, 0)
        assert one.treasurer.pots.account(account).held == 30
        await one.settle(other, 30)
    assert sorted(row[2] for row in books.records(account)) == [0, 0, 20, 30]


async def test_a_release_while_a_settlement_is_on_its_way_leaves_pots_and_books_agreed(books):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 20)
        settling = asyncio.create_task(one.settle(hold, 5))
        await asyncio.sleep(0)
        hold.end()
        await settling
        assert one.treasurer.pots.account(account).held == books.balance(account)[1] == 15


@pytest.mark.parametrize("cost", [-5, 10**30])
async def test_a_cost_beyond_all_bounds_is_clamped_before_it_is_held_against(books, cost):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 20)
        assert await one.settle(hold, cost) == "committed"
        assert one.treasurer.pots.account(account).held == books.balance(account)[1] == (20 if cost < 0 else 0)
    assert books.balance(account)[0] == 100 - min(max(cost, 0), 10**15)
    assert len(books.records(account)) == 1


async def test_a_meter_that_is_started_again_goes_on_with_what_was_queued(books):
    account = books.account(100)
    async with worker(books.url) as one:
        future = one.meter.submit(record(account, 5), None, one.id)
        one.meter._wake.clear()
        again = asyncio.create_task(one.meter.run())
        async with asyncio.timeout(20):
            assert await future == "committed"
        again.cancel()


def test_halves_of_a_batch_have_ids_that_follow_from_it():
    batch = batch_of(new_id(), *(record(1, 1) for _ in range(5)))
    first, second = batch.halves()
    assert batch.halves() == (first, second)
    assert len({batch.id, first.id, second.id}) == 3
    assert first.records + second.records == batch.records
    assert Batch.from_bytes(batch.to_bytes()) == batch


def test_the_application_cannot_commit_a_negative_cost(books):
    row = record(books.account(10), 1).as_json(held=0, key_held=0) | {"cost": -5}
    values = (new_id(), books.worker(), Jsonb([row]))
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql("SELECT xr_meter_commit(%s, %s, %s)", values, url=books.url)
