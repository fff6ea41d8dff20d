"""Promise 6: who may hold credit. No wall clock is asked, and only what was truly seen counts as silence."""

import asyncio
import time
from contextlib import AsyncExitStack
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, strategies as st

from billing.reservations.lease import VICTIM_TRIES, Watch
from tests.billing.parts import worker
from tests.lib.proxy import proxied
from tests.lib.waiting import until
from xroute.lib.pg import Outage

TTL_S, STEP_S = 60.0, 10.0
WORKER = uuid4()
gaps = st.floats(0, 10_000, allow_nan=False)
readings = st.lists(st.tuples(gaps, st.booleans()), max_size=60)


def state(books, worker_id) -> str:
    return books.sql("SELECT state FROM billing_worker WHERE id = %s", (worker_id,))[0][0]


@given(readings)
def test_silence_is_what_was_seen_between_two_readings_and_no_more_than_a_step_of_each(readings):
    """Whatever passed between readings (the database away, the watcher stopped, any jump): at most one step each."""
    watch, now, beat, still_s = Watch(ttl_s=TTL_S, step_max_s=STEP_S), 0.0, 0, None
    for gap, renewed in readings:
        now, beat = now + gap, beat + renewed
        still_s = 0.0 if still_s is None or renewed else still_s + min(gap, STEP_S)
        ended = watch.observe(now, [(WORKER, beat)])
        assert ended == ([(WORKER, beat)] if still_s >= TTL_S - 1e-6 else []) or abs(still_s - TTL_S) < 1e-6


@given(st.lists(gaps, min_size=1, max_size=5))
def test_an_outage_of_any_length_ends_nobody(outages):
    watch, now, beat = Watch(ttl_s=TTL_S, step_max_s=STEP_S), 0.0, 0
    for outage in outages:
        for _ in range(4):
            now, beat = now + 5, beat + 1
            assert watch.observe(now, [(WORKER, beat)]) == []
        now += outage
        assert watch.observe(now, [(WORKER, beat)]) == []


def test_a_silent_worker_is_ended_after_its_time_by_the_beat_that_was_read():
    watch = Watch(ttl_s=TTL_S, step_max_s=STEP_S)
    ended = [watch.observe(now, [(WORKER, 3)]) for now in range(0, 65, 5)]
    assert ended == [[]] * 12 + [[(WORKER, 3)]]


def test_one_that_is_seen_for_the_first_time_begins_at_nothing():
    watch, late = Watch(ttl_s=TTL_S, step_max_s=STEP_S), uuid4()
    for now in range(0, 60, 5):
        watch.observe(now, [])
    assert watch.observe(60, [(late, 0)]) == []
    assert watch.observe(65, []) == []
    assert [watch.observe(now, [(late, 0)]) for now in range(70, 135, 5)] == [[]] * 12 + [[(late, 0)]]


async def test_a_worker_admits_until_its_renewal_was_sent_and_its_time_less_the_margin(books):
    async with worker(books.url, ttl_s=0.8) as one:
        sent = time.monotonic()
        await one.lease.beat()
        assert one.lease.admits()
        await until(lambda: not one.lease.admits())
        assert time.monotonic() - sent < 0.8


async def test_jumps_of_every_clock_change_nothing(books, monkeypatch):
    """An hour either way, of this machine's clock and of all times the database has written."""
    account = books.account(100)
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(worker(books.url)) for _ in range(2)]
        hold = await one.reserve(account, 40)
        real = time.time
        for hours in (1, -1, 24 * 365, -24 * 365):
            monkeypatch.setattr(time, "time", lambda hours=hours: real() + hours * 3600)
            books.sql(
                "UPDATE billing_worker SET renewed_at = now() + %s * interval '1 hour', "
                "started_at = now() + %s * interval '1 hour' WHERE id = ANY(%s)",
                (hours, hours, [one.id, other.id]),
            )
            for each in (one, other, one, other):
                await each.lease.beat()
                assert each.lease.admits()
        monkeypatch.undo()
        assert (state(books, one.id), state(books, other.id)) == ("live", "live")
        assert one.lease.workers_alive >= 2
        assert books.reservations(account) == {hold.worker_id: (40, 0)}


async def test_one_that_was_silent_for_two_leases_spends_nothing_that_went_to_others(books):
    """As a process that was stopped and continued: its loops stand still, then go on where they were."""
    account = books.account(100)
    async with worker(books.url, ttl_s=2) as silent, worker(books.url, ttl_s=2, beat_s=0.1, beating=True) as other:
        before = silent.id
        running = await silent.reserve(account, 30)
        (await silent.reserve(account, 70)).end()
        await until(lambda: state(books, before) == "expired", within_s=30)
        given = await other.reserve(account, 100)
        assert not silent.lease.admits()
        with pytest.raises(Outage):
            await silent.reserve(account, 1)
        with pytest.raises(Outage):
            await silent.treasurer.extend(running, 1)
        await silent.settle(running, 20)
        await silent.lease.beat()
        assert silent.lease.admits()
        assert silent.id != before
        assert silent.treasurer.pots.worker_id == silent.id
        assert silent.treasurer.pots.account(account).held == 0
        assert books.reservations(account) == {other.id: (100, 0)}
        assert books.balance(account) == (80, 100, 0)
        assert [row[1:] for row in books.records(account)] == [(20, 0, True)]
        given.end()


async def test_a_database_away_for_two_leases_ends_no_living_worker(books):
    account, ttl_s = books.account(100), 1.0
    async with proxied() as proxy, AsyncExitStack() as stack:
        values = {"ttl_s": ttl_s, "beat_s": 0.1, "beating": True}
        found = [await stack.enter_async_context(worker(proxy.url(books.url), **values)) for _ in range(3)]
        before = [each.id for each in found]
        await found[0].reserve(account, 40)
        proxy.cut()
        away = time.monotonic()
        await until(lambda: not any(each.lease.admits() for each in found))
        await until(lambda: time.monotonic() - away > 2 * ttl_s)
        proxy.restore()
        await until(lambda: all(each.lease.admits() for each in found), within_s=30)
        # Long enough for whoever would have been counted as silent to be ended.
        again = time.monotonic()
        await until(lambda: time.monotonic() - again > 2 * ttl_s)
        assert [each.id for each in found] == before
        assert {state(books, each) for each in before} == {"live"}
        assert books.reservations(account) == {before[0]: (40, 0)}


async def test_a_registration_whose_answer_was_lost_leaves_no_pots_of_another_id(books):
    account = books.account(100)
    async with proxied() as proxy, worker(proxy.url(books.url)) as one:
        books.sql("SELECT xr_end_worker(%s, NULL, 'expired')", (one.id,))
        proxy.lose_answers()
        with pytest.raises(Outage):
            await one.lease.register()
        assert not one.lease.admits() or one.treasurer.pots.worker_id == one.id
        await until(lambda: books.sql("SELECT 1 FROM billing_worker WHERE id = %s", (one.id,)))
        proxy.restore()
        async with asyncio.timeout(30):
            while not await beaten(one.lease):
                pass
        assert one.treasurer.pots.worker_id == one.id
        assert (await one.reserve(account, 10)).worker_id == one.id


async def beaten(lease) -> bool:
    try:
        await lease.beat()
    except Outage:
        return False
    return True


async def test_a_lost_lease_is_noticed_at_the_first_hold_and_registered_anew_at_once(books):
    account = books.account(100)
    async with worker(books.url, beat_s=60, beating=True) as one:
        before = one.id
        await one.reserve(account, 10)
        books.sql("SELECT xr_end_worker(%s, NULL, 'expired')", (before,))
        with pytest.raises(Outage):
            await one.reserve(account, 50)
        await until(one.lease.admits)
        assert one.id != before
        assert (await one.reserve(account, 100)).worker_id == one.id


async def test_closing_waits_for_what_was_asked_last(books):
    account = books.account(100)
    async with worker(books.url) as one:
        await one.reserve(account, 30)
        with psycopg.connect(books.url) as conn:
            conn.execute("SELECT 1 FROM billing_worker WHERE id = %s FOR NO KEY UPDATE", (one.id,))
            closing = asyncio.create_task(one.lease.close())
            await asyncio.sleep(0.15)
            assert state(books, one.id) == "live"
            conn.rollback()
        await closing
        assert (state(books, one.id), books.balance(account)) == ("closed", (100, 0, 0))
        await one.lease.close()


async def test_a_worker_that_closes_gives_everything_back(books):
    account = books.account(100)
    key = books.key(account, limit=50)
    async with worker(books.url, overage_limit=10) as one:
        await one.reserve(account, 30, spare=40)
        await one.reserve(account, 9, key_id=key, period="2026-01-01")
        closed = one.id
    assert (books.balance(account), books.period(key), books.reservations(account)) == ((100, 0, 0), (0, 0), {})
    assert state(books, closed) == "closed"


# A sequence counts also what is rolled back: the first so many updates of that worker fail, as the server says it.
VICTIM = """
CREATE SEQUENCE victims;
GRANT USAGE ON SEQUENCE victims TO PUBLIC;
CREATE FUNCTION be_victim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id = '{worker}' AND nextval('victims') <= {times} THEN
    RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '{state}';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER be_victim BEFORE UPDATE ON billing_worker FOR EACH ROW EXECUTE FUNCTION be_victim()"""


@pytest.mark.parametrize("state", ["40P01", "40001"])
async def test_a_renewal_that_fell_victim_is_asked_again_within_the_beat(own_books, state):
    async with worker(own_books.url) as one:
        own_books.sql(VICTIM.format(worker=one.id, times=3, state=state))
        await one.lease.beat()
        assert own_books.sql("SELECT beat FROM billing_worker WHERE id = %s", (one.id,)) == [(1,)]


async def test_an_end_that_fell_victim_is_asked_again_within_the_beat(own_books):
    async with worker(own_books.url, ttl_s=0.5, beat_s=0.3) as one:
        silent = own_books.worker()
        own_books.sql(VICTIM.format(worker=silent, times=2, state="40P01"))
        async with asyncio.timeout(60):
            while state(own_books, silent) == "live":
                await one.lease.beat()
                await asyncio.sleep(0.05)
        assert own_books.sql("SELECT last_value FROM victims") == [(3,)]


@pytest.mark.parametrize("state_code", ["40P01", "40001"])
async def test_a_close_that_fell_victim_is_asked_again_and_gives_everything_back(own_books, state_code):
    account = own_books.account(100)
    async with worker(own_books.url) as one:
        await one.reserve(account, 30, spare=40)
        own_books.sql(VICTIM.format(worker=one.id, times=3, state=state_code))
        await one.lease.close()
        assert (state(own_books, one.id), own_books.balance(account)) == ("closed", (100, 0, 0))
        assert own_books.sql("SELECT last_value FROM victims") == [(4,)]


@pytest.mark.parametrize(("times", "state", "tries"), [(99, "40P01", VICTIM_TRIES), (1, "23514", 1)])
async def test_what_is_no_passing_trouble_is_not_asked_for_ever(own_books, times, state, tries):
    async with worker(own_books.url) as one:
        own_books.sql(VICTIM.format(worker=one.id, times=times, state=state))
        with pytest.raises(psycopg.Error):
            await one.lease.beat()
        assert own_books.sql("SELECT last_value FROM victims") == [(tries,)]
        own_books.sql("DROP TRIGGER be_victim ON billing_worker")
