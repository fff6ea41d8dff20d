"""Promise 3 and 5 at the level of workers: no more is held than there is, and what may run unreserved is limited."""

import asyncio
from contextlib import AsyncExitStack
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest

from billing.reservations.pots import Hold, Pots, Refused, Want
from tests.billing.parts import Worker, end_worker, worker
from tests.lib.proxy import proxied
from tests.lib.waiting import until
from tests.servers import superuser_url
from xroute.lib.pg import Outage

DAY = date(2026, 1, 31)
USD = 10**9


async def workers(stack: AsyncExitStack, url: str, count: int, **values) -> list[Worker]:
    return [await stack.enter_async_context(worker(url, **values)) for _ in range(count)]


async def at_once(found: list[Worker], count: int, work) -> list:
    """`work(worker, number)` so many times from one barrier, spread over the workers."""
    barrier = asyncio.Barrier(count)

    async def one(number: int):
        await barrier.wait()
        return await work(found[number % len(found)], number)

    return await asyncio.gather(*(one(number) for number in range(count)), return_exceptions=True)


def holds(answers: list) -> list[Hold]:
    """The holds there are among `answers`; anything else must be a refusal."""
    for answer in answers:
        assert isinstance(answer, (Hold, Refused)), repr(answer)
    return [answer for answer in answers if isinstance(answer, Hold)]


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_fifty_at_once_on_a_balance_for_ten_are_exactly_ten(books, count):
    account = books.account(10)
    async with AsyncExitStack() as stack:
        found = await workers(stack, books.url, count)
        answers = await at_once(found, 50, lambda each, _: each.reserve(account, 1))
        assert len(holds(answers)) == 10
        assert books.balance(account) == (10, 10, 0)
        with pytest.raises(Refused) as refused:
            await found[0].reserve(account, 1)
        assert (refused.value.reason, refused.value.available, refused.value.posted) == ("held", 0, 10)
    assert books.balance(account) == (10, 0, 0)


async def test_fifty_at_once_with_spare_wishes_hold_no_more_than_there_is(books):
    account = books.account(100)
    async with AsyncExitStack() as stack:
        found = await workers(stack, books.url, 3)
        answers = await at_once(found, 50, lambda each, number: each.reserve(account, number % 7 + 1, spare=50))
        assert sum(hold.amount for hold in holds(answers)) <= 100
        assert books.balance(account)[1] == sum(each.treasurer.pots.account(account).held for each in found) <= 100


@pytest.mark.parametrize("count", [1, 4])
async def test_a_keys_limit_holds_in_each_period_under_concurrency(books, count):
    account = books.account(1000)
    key = books.key(account, limit=10, reset="daily")
    days = [DAY + timedelta(days=number) for number in range(3)]
    async with AsyncExitStack() as stack:
        found = await workers(stack, books.url, count)
        answers = await at_once(
            found, 60, lambda each, number: each.reserve(account, 1, key_id=key, period=days[number // 4 % 3])
        )
        taken = holds(answers)
        assert {day: sum(hold.want.period == day for hold in taken) for day in days} == dict.fromkeys(days, 10)
        for hold in taken:
            await next(each for each in found if each.id == hold.worker_id).settle(hold, 1)
        with pytest.raises(Refused) as refused:
            await found[0].reserve(account, 1, key_id=key, period=DAY)
        assert (refused.value.reason, refused.value.key_left) == ("key_limit", 0)
        assert await found[0].reserve(account, 1, key_id=key, period=DAY + timedelta(days=3))
    assert books.period(key) == (30, 0)
    assert books.balance(account) == (970, 0, 0)


async def test_answers_far_longer_than_expected_end_above_the_limit_of_overage(books):
    """Promise 5: fifty calls that usually cost little cost their very most, on a balance of 1 USD."""
    account, full, limit = books.account(USD), 60_000_000, 80_000_000
    async with AsyncExitStack() as stack:
        found = await workers(stack, books.url, 3, overage_limit=limit)

        async def call(each: Worker, _number: int) -> int:
            hold = await each.reserve(account, full, floor=1000)
            assert hold.amount + hold.exposure == full
            await each.settle(hold, full)
            return full

        answers = await at_once(found, 50, call)
        paid = sum(answer for answer in answers if isinstance(answer, int))
        assert all(isinstance(answer, (int, Refused)) for answer in answers)
        posted, _, exposed = books.balance(account)
        assert posted == USD - paid
        assert -limit <= posted < full
        assert exposed <= limit
        with pytest.raises(Refused) as refused:
            await found[1].reserve(account, full, floor=1000)
        assert refused.value.reason == "credits"


async def test_overage_is_a_tenth_of_what_was_paid_in_at_most(books):
    account = books.account(100)
    async with worker(books.url, overage_limit=USD) as one:
        with pytest.raises(Refused):
            await one.reserve(account, 111, floor=1)
        hold = await one.reserve(account, 110, floor=1)
        assert (hold.amount, hold.exposure) == (100, 10)
        await one.settle(hold, 110)
    assert books.balance(account) == (-10, 0, 0)


async def test_a_negative_balance_blocks_the_next_request(books):
    account = books.account(100)
    async with worker(books.url, overage_limit=10) as one:
        await one.settle(await one.reserve(account, 10), 150)
        assert books.balance(account)[0] == -50
        with pytest.raises(Refused) as refused:
            await one.reserve(account, 1)
        assert refused.value.reason == "credits"


async def test_what_others_hold_idle_comes_back_when_they_are_asked(books):
    account = books.account(100)
    async with worker(books.url) as one, worker(books.url) as other:
        hold = await one.reserve(account, 60)
        hold.end()
        assert books.balance(account)[1] == 60
        asking = asyncio.create_task(other.reserve(account, 90))
        await asyncio.sleep(0.05)
        one.treasurer.recalled(str(account))
        assert (await asking).amount == 90
        assert books.reservations(account) == {other.id: (90, 0)}


async def test_recalling_takes_nothing_from_running_requests(books):
    account = books.account(100)
    async with worker(books.url) as one:
        await one.reserve(account, 60)
        (await one.reserve(account, 30)).end()
        one.treasurer.recalled(str(account))
        await until(lambda: books.balance(account)[1] == 60)
        for nonsense in ("", "x", "-1"):
            one.treasurer.recalled(nonsense)
        await one.reserve(account, 40)


async def test_idle_credit_goes_back_by_itself(books):
    account = books.account(100)
    key = books.key(account, limit=100)
    async with worker(books.url, idle_s=0.2) as one:
        (await one.reserve(account, 60, spare=20, key_id=key, period=DAY)).end()
        await until(lambda: (books.balance(account), books.period(key)) == ((100, 0, 0), (0, 0)), within_s=20)
        assert books.reservations(account) == {}


async def test_an_operation_whose_answer_was_lost_is_asked_again_and_runs_once(books):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url), commit_timeout_s=20) as one:
        proxy.lose_answers()
        asking = asyncio.create_task(one.reserve(account, 30))
        async with asyncio.timeout(20):
            await proxy.lost.wait()
        await until(lambda: books.balance(account)[1] == 30)
        proxy.restore()
        hold = await asking
        assert (hold.amount, books.balance(account)) == (30, (100, 30, 0))
        assert one.treasurer.pots.account(account).held == 30


async def test_one_who_gave_up_waiting_leaves_the_grant_for_the_next(books):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url)) as one:
        proxy.silence()
        asking = asyncio.create_task(one.reserve(account, 30))
        await asyncio.sleep(0.1)
        asking.cancel()
        proxy.restore()
        pot = one.treasurer.pots.account(account)
        await until(lambda: pot.held == 30, within_s=20)
        assert (pot.used, books.balance(account)[1]) == (0, 30)
        assert (await one.reserve(account, 30)).amount == 30
        assert books.balance(account)[1] == 30


async def test_a_deadlock_is_asked_again(books):
    low, high = books.account(10), books.account(10)
    async with worker(books.url) as one:
        with psycopg.connect(superuser_url(books.name)) as other:
            other.execute("SET deadlock_timeout = '60s'")
            lock = "SELECT 1 FROM billing_creditaccount WHERE id = %s FOR UPDATE"
            other.execute(lock, (high,))
            asking = asyncio.gather(one.reserve(low, 4), one.reserve(high, 5))
            waits = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
            await until(lambda: books.sql(waits, (books.name,)), within_s=20)
            await asyncio.to_thread(other.execute, lock, (low,))
            other.rollback()
        assert [hold.amount for hold in await asking] == [4, 5]
        before = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"
        await until(lambda: books.sql(before, (books.name,))[0][0] >= 1, within_s=20)
    assert (books.balance(low)[1], books.balance(high)[1]) == (0, 0)


async def test_a_fault_of_the_database_fails_those_who_ask_and_changes_no_pot(books):
    async with worker(books.url) as one:
        with pytest.raises(Outage):
            await one.reserve(987654321, 10, key_id=1, period="no date")
        pot = one.treasurer.pots.account(987654321)
        assert (pot.held, pot.used) == (0, 0)


async def test_without_a_lease_nothing_is_admitted(books):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 10, spare=50)
        one.lease.lose()
        with pytest.raises(Outage):
            await one.reserve(account, 1)
        with pytest.raises(Outage):
            await one.treasurer.extend(hold, 1)


async def test_who_asked_under_a_lost_lease_gets_nothing_from_the_new_one(books):
    """Such a hold would spend what the old id had free, which is no longer its own."""
    account = books.account(100)
    async with worker(books.url) as one:
        (await one.reserve(account, 40)).end()
        books.sql(*end_worker(one.id))
        new = books.worker()
        asking = asyncio.create_task(one.reserve(account, 60))
        await asyncio.sleep(0)
        one.treasurer.restart(Pots(new))
        with pytest.raises(Outage):
            await asking
        assert books.balance(account) == (100, 0, 0)


async def test_holds_that_outlive_their_lease_touch_no_new_pot(books):
    account = books.account(100)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 40)
        books.sql(*end_worker(one.id))
        await one.lease.beat()
        assert books.balance(account)[1] == 0
        with pytest.raises(Outage):
            await one.treasurer.extend(hold, 5)
        await one.settle(hold, 30)
        assert books.balance(account) == (70, 0, 0)
        assert one.treasurer.pots.account(account).held == 0
        assert [row[1:] for row in books.records(account)] == [(30, 0, True)]


async def test_extending_takes_from_here_first_and_then_from_there(books):
    account = books.account(100)
    key = books.key(account, limit=60)
    async with worker(books.url) as one:
        hold = await one.reserve(account, 10, key_id=key, period=DAY)
        await one.treasurer.extend(hold, 20)
        assert (hold.amount, hold.key_amount) == (30, 30)
        await one.treasurer.extend(hold, 10)
        with pytest.raises(Refused) as refused:
            await one.treasurer.extend(hold, 30)
        assert (refused.value.reason, refused.value.key_left) == ("held", 20)
        await one.settle(hold, 40)
        with pytest.raises(Outage):
            await one.treasurer.extend(hold, 1)
    assert (books.balance(account), books.period(key)) == ((60, 0, 0), (40, 0))


def test_a_want_of_nothing_needs_no_database():
    assert Pots(uuid4()).take(Want(1, 0, 0), 0.0).amount == 0
