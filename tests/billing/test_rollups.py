"""Promise 14: sums by quarters of an hour are those of the records, whatever was duplicated, late or at once."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from datetime import UTC, datetime
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given, settings, strategies as st
from psycopg.types.json import Jsonb

from billing.pricing import Usage
from billing.record import UsageRecord
from billing.rollups import ADD, MARK, RecordsGone, rollups_add, rollups_rebuild
from tests.billing.books import Books, djangos_own, drop_books, make_books
from tests.billing.parts import record
from xroute.lib.ids import new_id, time_ms

QUARTER_MS = 15 * 60 * 1000
NAMES = "bucket, workspace_id, key_id, model, provider"
SUMS = (
    "requests, not_charged, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nanousd, "
    "house_nanousd, latency_ms"
)
Batch = tuple[object, list[UsageRecord]]


@pytest.fixture(scope="module")
def rolled(django_db_blocker):
    """Books of this file's own, whose rollups Django makes."""
    books = make_books()
    with django_db_blocker.unblock(), djangos_own(books):
        yield books
        rollups_add()
        assert books.audit() == []
    drop_books(books)


def commit(books: Books, batch: Batch) -> None:
    name, rows = batch
    values = (name, new_id(), Jsonb([row.as_json(held=0, key_held=0) for row in rows]))
    books.sql("SELECT xr_meter_commit(%s, %s, %s)", values, url=books.url)


def rollups(books: Books, workspaces: set[int]) -> dict[tuple, tuple]:
    query = f"SELECT {NAMES}, {SUMS} FROM billing_usagerollup WHERE workspace_id = ANY(%s)"
    return {row[:5]: row[5:] for row in books.sql(query, (list(workspaces),))}


def expected(rows: list[UsageRecord]) -> dict[tuple, tuple]:
    """The sums as Python makes them, from what was handed in."""
    sums: dict[tuple, Counter] = {}
    for row in rows:
        bucket = datetime.fromtimestamp(time_ms(row.id) // QUARTER_MS * QUARTER_MS / 1000, UTC)
        name = (bucket, row.workspace_id, row.key_id, row.model, row.provider)
        usage = row.usage
        sums.setdefault(name, Counter()).update(
            a=1,
            b=row.basis == "not_charged",
            c=usage.prompt,
            d=usage.completion,
            e=usage.cached,
            f=usage.reasoning,
            g=row.cost,
            h=row.house,
            i=row.latency_ms,
        )
    return {name: tuple(found[letter] for letter in "abcdefghi") for name, found in sums.items()}


@st.composite
def a_record(draw) -> UsageRecord:
    """Late ones, early ones, some right on a border."""
    now = time_ms(new_id()) // QUARTER_MS * QUARTER_MS
    at = now - draw(st.integers(-1, 3)) * QUARTER_MS + draw(st.sampled_from([0, 1, QUARTER_MS - 1, 40_000]))
    prompt, completion = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    free = draw(st.booleans())
    return record(
        draw(st.integers(0, 1)),
        0 if free else draw(st.integers(0, 50)),
        id=new_id(at),
        key_id=draw(st.integers(1, 2)),
        provider=draw(st.sampled_from(["p", "q"])),
        basis="not_charged" if free else "reported",
        usage=Usage(prompt, completion, draw(st.integers(0, prompt)), 0, draw(st.integers(0, completion))),
        house=draw(st.integers(0, 5)),
        latency_ms=draw(st.integers(0, 2**31 - 1)),
    )


steps = st.lists(
    st.lists(a_record(), min_size=1, max_size=5) | st.sampled_from(["again", "add", "rebuild"]), max_size=9
)


@settings(max_examples=25)
@given(steps)
def test_whatever_comes_in_which_order_the_sums_are_those_of_the_records(rolled, steps):
    accounts = [rolled.account(10**6), rolled.account(10**6)]
    batches: list[Batch] = []
    for step in steps:
        if step == "add":
            rollups_add(batches_max=2)
        elif step == "rebuild":
            rollups_rebuild()
        elif step == "again":
            for batch in batches:
                commit(rolled, batch)
        else:
            for row in step:
                row.workspace_id = row.account_id = accounts[row.account_id]
            batches.append((new_id(), step))
            commit(rolled, batches[-1])
    while rollups_add():
        pass
    found = rollups(rolled, set(accounts))
    assert found == expected([row for _, rows in batches for row in rows])
    rollups_rebuild()
    assert rollups(rolled, set(accounts)) == found


def test_a_rebuild_mends_whatever_stood_there(rolled):
    account = rolled.account(1000)
    rows = [record(account, 5), record(account, 7)]
    commit(rolled, (new_id(), rows))
    rollups_add()
    rolled.sql("UPDATE billing_usagerollup SET cost_nanousd = 999, requests = 5 WHERE workspace_id = %s", (account,))
    rolled.sql("INSERT INTO billing_usagerollup SELECT 1000000, now(), 999999, key_id, model, provider, requests, "
               "0, 0, 0, 0, 0, 0, 0, 0 FROM billing_usagerollup LIMIT 1")  # fmt: skip
    assert {fault.check for fault in rolled.audit()} == {
        "rollups are not the sum of rolled-up records",
        "a key's total is not the sum of its rollups",
    }
    rollups_rebuild()
    assert rollups(rolled, {account, 999999}) == expected(rows)


def test_a_batch_is_summed_once_by_however_many_at_once(rolled):
    account = rolled.account(10**6)
    rows = [record(account, number + 1) for number in range(60)]
    barrier = threading.Barrier(6)

    def work(number: int) -> None:
        try:
            barrier.wait(20)
            for row in rows[number::3] if number < 3 else ():
                commit(rolled, (row.id, [row]))
            for _ in range(12 if number >= 3 else 0):
                rollups_rebuild() if number == 5 else rollups_add(batches_max=7)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    while rollups_add():
        pass
    assert rollups(rolled, {account}) == expected(rows)


def waiting_for_a_lock(books: Books, count: int) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    return books.sql(query, (books.name,))[0][0] >= count


def await_lock(books: Books, count: int = 1) -> None:
    until = time.monotonic() + 20
    while not waiting_for_a_lock(books, count):
        assert time.monotonic() < until
        time.sleep(0.01)


def closing(work) -> int:
    """In a thread of its own, with a connection of its own."""
    try:
        return work()
    finally:
        connection.close()


def test_a_batch_that_another_has_taken_is_left_to_it(rolled):
    """Both have looked before either has added."""
    account = rolled.account(1000)
    rows = [record(account, 5)]
    commit(rolled, (new_id(), rows))
    with psycopg.connect(rolled.owner_url) as owner, ThreadPoolExecutor(2) as pool:
        owner.execute("LOCK TABLE billing_usagerollup IN SHARE MODE")
        first = pool.submit(closing, rollups_add)
        await_lock(rolled)
        second = pool.submit(closing, rollups_add)
        until = time.monotonic() + 20
        while not (second.done() or waiting_for_a_lock(rolled, 2)):
            assert time.monotonic() < until
        owner.rollback()
        assert (first.result(20), second.result(20)) == (1, 0)
    assert rollups(rolled, {account}) == expected(rows)


def test_a_rebuild_waits_for_sums_that_are_under_way(rolled):
    """Else it would delete what the other one is about to commit, and leave its batch out for good."""
    account = rolled.account(1000)
    rows = [record(account, 5), record(account, 7)]
    commit(rolled, (new_id(), rows[:1]))
    rollups_add()
    batch = new_id()
    commit(rolled, (batch, rows[1:]))
    with psycopg.connect(rolled.url) as adding, ThreadPoolExecutor(1) as pool:
        adding.execute(ADD, ([batch],))
        rebuilding = pool.submit(closing, rollups_rebuild)
        await_lock(rolled)
        adding.execute(MARK, ([batch],))
        adding.commit()
        rebuilding.result(20)
    assert rollups(rolled, {account}) == expected(rows)


def test_what_fails_midway_is_summed_the_next_time(rolled):
    account = rolled.account(1000)
    rows = [record(account, 5)]
    commit(rolled, (new_id(), rows))
    with psycopg.connect(rolled.owner_url) as owner:
        owner.execute("LOCK TABLE billing_usagerollup IN SHARE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            rollups_add()
    assert rollups(rolled, {account}) == {}
    connection.close()
    rollups_add()
    assert rollups(rolled, {account}) == expected(rows)


def days_of(rows: list[UsageRecord]) -> set:
    return {datetime.fromtimestamp(time_ms(row.id) / 1000, UTC).date() for row in rows}


def test_a_rebuild_of_some_days_leaves_the_others(rolled):
    account, now = rolled.account(1000), time_ms(new_id())
    rows = [record(account, 5, id=new_id(now - days * 86_400_000)) for days in (2, 1, 0)]
    commit(rolled, (new_id(), rows))
    while rollups_add():
        pass
    first, middle, last = sorted(days_of(rows))
    rolled.sql("UPDATE billing_usagerollup SET cost_nanousd = 9 WHERE workspace_id = %s", (account,))
    told = []
    done = rollups_rebuild(since=middle, until=middle, on_day=lambda *day: told.append(day))
    assert (done.days, told) == (1, [(middle, 1, 1)])
    costs = {bucket.date(): sums[6] for (bucket, *_), sums in rollups(rolled, {account}).items()}
    assert costs == {first: 9, middle: 5, last: 9}
    assert rollups_rebuild().mended == 3  # two sums, and the key's total, which is that of its sums
    assert rollups(rolled, {account}) == expected(rows)
    assert rollups_rebuild().mended == 0


def test_a_day_whose_records_are_detached_is_refused_and_stays(own_books, django_db_blocker):
    account = own_books.account(1000)
    month = own_books.sql("SELECT date_trunc('month', now() - interval '1 month')::date")[0][0]
    at = datetime(month.year, month.month, 10, tzinfo=UTC)
    commit(own_books, (new_id(), [record(account, 5, id=new_id(round(at.timestamp() * 1000)))]))
    commit(own_books, (new_id(), [record(account, 7)]))
    with django_db_blocker.unblock(), djangos_own(own_books):
        rollups_add()
        before = rollups(own_books, {account})
        partition = f"billing_usagerecord_{month:%Y_%m}"
        own_books.sql(f"ALTER TABLE billing_usagerecord DETACH PARTITION {partition}", url=own_books.owner_url)
        with pytest.raises(RecordsGone, match=f"Records of {month:%Y-%m} are gone"):
            rollups_rebuild()
        with pytest.raises(CommandError, match="--since"):
            call_command("rebuild_rollups")
        assert rollups(own_books, {account}) == before
        out, errors = StringIO(), StringIO()
        with redirect_stderr(errors):
            call_command("rebuild_rollups", "--since", f"{datetime.now(UTC):%Y-%m-%d}", "--progress", stdout=out)
        assert out.getvalue() == "1 days are summed anew; 0 sums were not right and are now.\n"
        assert "100%" in errors.getvalue()
        assert rollups(own_books, {account}) == before
