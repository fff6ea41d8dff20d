"""Promises 3 and 4 in SQL alone: real connections behind a barrier, and each order of two that end one hold."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings, strategies as st
from psycopg.types.json import Jsonb

from tests.billing.books import Books
from tests.billing.parts import record
from tests.servers import superuser_url
from xroute.lib.ids import new_id

HOLD = "SELECT xr_hold(%s, %s, %s, %s)"
COMMIT = "SELECT xr_meter_commit(%s, %s, %s)"
END = "SELECT xr_end_worker(%s, NULL, 'expired')"
Statement = tuple[str, tuple[Any, ...]]
COST, HELD, CREDIT = 7, 10, 50
EXPECTED = {
    # What the balance must be, whoever was first: the usage is posted once and in full, or not at all.
    "settle": CREDIT - COST,
    "release": CREDIT,
    "expire": CREDIT,
}


def at_once(books: Books, statements: list[Statement]) -> list[Any]:
    """Each statement on a connection of its own, from one barrier; first columns, or the error."""
    barrier = threading.Barrier(len(statements))

    def run(statement: Statement) -> Any:
        with psycopg.connect(books.url, autocommit=True) as conn:
            barrier.wait(20)
            try:
                return conn.execute(*statement).fetchone()[0]
            except psycopg.Error as error:
                return error

    with ThreadPoolExecutor(len(statements)) as pool:
        return list(pool.map(run, statements))


def take(worker, seq: int, account: int, amount: int, **more: Any) -> Statement:
    item = {"i": 0, "account": account, "full": amount, "floor": amount, "spare": 0, "have": 0} | more
    return HOLD, (worker, seq, 0, Jsonb([item]))


def settle(worker, account: int, held: int = COST, batch=None) -> Statement:
    row = record(account, COST).as_json(held=held, key_held=0)
    return COMMIT, (batch or new_id(), worker, Jsonb([row]))


def release(worker, account: int, seq: int = 2) -> Statement:
    item = {"account": account, "give": HELD - COST, "give_exposure": 0}
    return HOLD, (worker, seq, 0, Jsonb([item]))


def held(books: Books) -> tuple[Any, int]:
    """A worker that holds of an account, and has spent a part of it."""
    worker, account = books.worker(), books.account(CREDIT)
    books.sql(*take(worker, 1, account, HELD))
    return worker, account


def test_fifty_connections_on_a_balance_for_ten_are_exactly_ten(books):
    account = books.account(10)
    answers = at_once(books, [take(books.worker(), 1, account, 1) for _ in range(50)])
    taken = [answer["results"][0] for answer in answers]
    assert sum("take" in result for result in taken) == 10
    assert {result["refused"] for result in taken if "take" not in result} == {"held"}
    assert books.balance(account) == (10, 10, 0)


def test_fifty_connections_on_a_key_with_a_limit_of_ten_are_exactly_ten(books):
    account = books.account(1000)
    key = books.key(account, limit=10)
    more = {"key": key, "period": "2026-01-01", "key_full": 1, "key_floor": 1, "key_have": 0}
    answers = at_once(books, [take(books.worker(), 1, account, 1, **more) for _ in range(50)])
    assert sum("take" in answer["results"][0] for answer in answers) == 10
    assert (books.period(key), books.balance(account)[1]) == ((0, 10), 10)


def test_one_number_of_one_worker_runs_once_however_often_it_comes_at_once(books):
    worker, account = books.worker(), books.account(CREDIT)
    answers = at_once(books, [take(worker, 1, account, HELD)] * 10)
    assert all(answer == answers[0] for answer in answers)
    assert books.balance(account) == (CREDIT, HELD, 0)


def test_a_statement_that_comes_late_finds_its_number_past(books):
    worker, account = books.worker(), books.account(CREDIT)
    books.sql(*take(worker, 2, account, 1))
    books.sql(*take(worker, 1, account, HELD))
    assert books.balance(account) == (CREDIT, 1, 0)


def test_one_batch_commits_once_however_often_it_comes_at_once(books):
    worker, account = held(books)
    answers = at_once(books, [settle(worker, account, batch=new_id())] * 10)
    assert sorted(answers) == ["committed"] + ["duplicate"] * 9
    assert books.balance(account) == (CREDIT - COST, HELD - COST, 0)


def ways(books: Books) -> tuple[int, dict[str, Statement]]:
    worker, account = held(books)
    return account, {
        "settle": settle(worker, account),
        "release": release(worker, account),
        "expire": (END, (worker,)),
    }


def finished(books: Books, account: int, done: tuple[str, ...], worker_gone: bool) -> None:
    """Each part of the hold went out once: what is left is held by the worker, or nobody."""
    left = HELD - ("settle" in done) * COST - ("release" in done) * (HELD - COST)
    posted = CREDIT - ("settle" in done) * COST
    assert books.balance(account) == (posted, 0 if worker_gone else left, 0)
    assert sum(row[1] for row in books.records(account)) == ("settle" in done) * COST


@pytest.mark.parametrize("order", list(itertools.permutations(EXPECTED, 2)) + list(itertools.permutations(EXPECTED)))
def test_a_hold_ends_once_in_every_order(books, order):
    account, statements = ways(books)
    answers = [books.sql(*statements[name])[0][0] for name in order]
    finished(books, account, order, "expire" in order)
    if "expire" in order:
        for name, answer in zip(order, answers, strict=True):
            late = order.index(name) > order.index("expire")
            assert name != "settle" or answer == ("late" if late else "committed")
            assert name != "release" or ("expired" in answer) is late


@pytest.mark.parametrize("names", [*itertools.combinations(EXPECTED, 2), tuple(EXPECTED)])
def test_a_hold_ends_once_when_all_come_at_once(books, names):
    for _ in range(8):
        account, statements = ways(books)
        answers = dict(zip(names, at_once(books, [statements[name] for name in names]), strict=True))
        assert not any(isinstance(answer, psycopg.Error) for answer in answers.values()), answers
        finished(books, account, names, answers.get("expire") is True)


def test_two_that_expire_one_worker_give_back_once(books):
    worker, account = held(books)
    answers = at_once(books, [(END, (worker,))] * 8)
    assert sum(answers) == 1
    assert books.balance(account) == (CREDIT, 0, 0)


def test_a_worker_that_has_renewed_since_is_not_ended(books):
    worker = books.worker()
    end = "SELECT xr_end_worker(%s, %s, 'expired')"
    books.sql("UPDATE billing_worker SET beat = 5 WHERE id = %s", (worker,))
    assert books.sql(end, (worker, 4)) == [(False,)]
    assert books.sql(end, (worker, 5)) == [(True,)]


def test_giving_back_more_than_is_held_is_refused(books):
    worker, account = held(books)
    item = {"account": account, "give": HELD + 1, "give_exposure": 0}
    other = books.account(5)
    books.sql(*take(books.worker(), 1, account, 20))
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql(HOLD, (worker, 2, 0, Jsonb([item])))
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql(HOLD, (worker, 2, 0, Jsonb([item | {"account": other}])))
    assert books.balance(account)[1] == HELD + 20


def test_settling_what_is_not_held_is_refused(books):
    account = books.account(CREDIT)
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql(*settle(books.worker(), account))
    assert books.balance(account) == (CREDIT, 0, 0)


def test_settling_what_another_worker_holds_is_refused(books):
    account = books.account(CREDIT)
    books.sql(*take(books.worker(), 1, account, 20))
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql(*settle(books.worker(), account))
    assert books.balance(account) == (CREDIT, 20, 0)


numbers = st.integers(-20, 40)
asked = st.fixed_dictionaries(
    {"full": numbers, "floor": numbers, "spare": numbers, "have": numbers, "give": numbers, "give_exposure": numbers}
)


@settings(max_examples=60)
@example(
    [
        {"full": 0, "floor": 0, "spare": 1, "have": 0, "give": 0, "give_exposure": 0},
        {"full": 0, "floor": 0, "spare": 0, "have": 0, "give": 1, "give_exposure": -1},
    ],
    0,
)
@given(st.lists(asked, min_size=1, max_size=4), st.integers(0, 30))
def test_whatever_a_worker_asks_the_guard_is_in_the_sql(books, items, limit):
    """Nonsense, lies and all: no more is reserved than is posted, and no more is exposed than is allowed."""
    worker, account = books.worker(), books.account(30)
    for seq, item in enumerate(items, 1):
        try:
            books.sql(HOLD, (worker, seq, limit, Jsonb([item | {"i": 0, "account": account}])), url=books.url)
        except psycopg.Error:
            pass
        posted, reserved, exposed = books.balance(account)
        assert 0 <= reserved <= posted
        assert exposed <= min(limit, 3)
        assert books.reservations(account) in ({}, {worker: (reserved, exposed)})


@pytest.mark.parametrize("guard", ["posted - reserved >= take", "p.posted + p.reserved + key_take <= l.limit_nanousd"])
def test_the_guards_stand_in_the_updates_themselves(books, guard):
    """Beside the locks, which alone would do: no later change of the function can forget them unseen."""
    source = books.sql("SELECT prosrc FROM pg_proc WHERE proname = 'xr_hold'")[0][0]
    assert any(guard in part.partition(";")[0] for part in source.split("UPDATE ")[1:])


def statements_of_two(books: Books, low: int, high: int, key: int) -> list[Statement]:
    """Everything that touches a key of account `low` and then account `high`."""
    worker, period = books.worker(), "2026-01-01"
    ask = {"full": 5, "floor": 5, "spare": 0, "have": 0}
    keyed = {"account": low, "key": key, "period": period, "key_full": 5, "key_floor": 5, "key_have": 0}
    books.sql(HOLD, (worker, 1, 0, Jsonb([{"i": 0} | ask | keyed, {"i": 1, "account": high} | ask])))
    asks = [{"i": 0} | ask | keyed, {"i": 1, "account": high} | ask]
    gives = [{"key": key, "period": period, "give_key": 5}, {"i": 0, "account": high} | ask]
    rows = [
        record(low, 0, key_id=key, period=date(2026, 1, 1)).as_json(held=0, key_held=0),
        record(high, 5).as_json(held=5, key_held=0),
    ]
    return [
        (HOLD, (worker, 2, 0, Jsonb(asks))),
        (HOLD, (worker, 2, 0, Jsonb(gives))),
        (COMMIT, (new_id(), worker, Jsonb(rows))),
        (END, (worker,)),
    ]


@pytest.mark.parametrize("number", range(4), ids=["ask", "give", "settle", "expire"])
def test_whoever_waits_for_an_account_has_no_keys_period_locked(books, number):
    """One order of locks for all, accounts first: else two of them wait for each other in a circle."""
    low, high = books.account(100), books.account(100)
    key = books.key(low, limit=100)
    statement = statements_of_two(books, low, high, key)[number]
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with psycopg.connect(superuser_url(books.name)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT 1 FROM billing_creditaccount WHERE id = %s FOR UPDATE", (high,))
        answer = pool.submit(books.sql, *statement)
        until = time.monotonic() + 20
        while not books.sql(waiting, (books.name,)):
            assert time.monotonic() < until
        try:
            locked = "SELECT 1 FROM billing_keyperiod WHERE key_id = %s FOR UPDATE NOWAIT"
            assert books.sql(locked, (key,)) == [(1,)]
        finally:
            other.rollback()
        answer.result(20)


@pytest.mark.parametrize("number", range(3), ids=["ask", "settle", "expire"])
def test_accounts_are_locked_in_the_order_of_their_ids(books, number):
    """Whoever waits for the lower one has not locked the higher one, in whatever order they are named."""
    low, high = books.account(100), books.account(100)
    worker, ask = books.worker(), {"full": 5, "floor": 5, "spare": 0, "have": 0}
    asks = Jsonb([{"i": 0, "account": high} | ask, {"i": 1, "account": low} | ask])
    books.sql(HOLD, (worker, 1, 0, asks))
    rows = Jsonb([record(account, 5).as_json(held=5, key_held=0) for account in (high, low)])
    statement = [(HOLD, (worker, 2, 0, asks)), (COMMIT, (new_id(), worker, rows)), (END, (worker,))][number]
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with psycopg.connect(superuser_url(books.name)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT 1 FROM billing_creditaccount WHERE id = %s FOR UPDATE", (low,))
        answer = pool.submit(books.sql, *statement)
        until = time.monotonic() + 20
        while not books.sql(waiting, (books.name,)):
            assert time.monotonic() < until
        try:
            books.sql("SELECT 1 FROM billing_creditaccount WHERE id = %s FOR UPDATE NOWAIT", (high,))
        finally:
            other.rollback()
        answer.result(20)
