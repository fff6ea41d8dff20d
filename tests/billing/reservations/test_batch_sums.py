"""What a batch changes, to the nano-USD: each account and key period by its own sums, and nothing of anybody else's."""

from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.billing.books import REVENUE, Books
from tests.billing.parts import record
from tests.billing.reservations.test_sums import NEXT, PERIOD, ask, hold, keyed
from xroute.lib.ids import new_id


def row(
    account: int, cost: int, held: int, key: int = 1, period: str | None = None, key_held: int = 0
) -> dict[str, Any]:
    day = None if period is None else date.fromisoformat(period)
    return record(account, cost, key_id=key, period=day).as_json(held=held, key_held=key_held)


def commit(books: Books, worker: UUID, *rows: dict[str, Any], batch: UUID | None = None) -> str:
    return books.sql("SELECT xr_meter_commit(%s, %s, %s)", (batch or new_id(), worker, Jsonb(rows)))[0][0]


def periods(books: Books, key: int) -> list[tuple[int, int]]:
    return books.sql("SELECT posted, reserved FROM billing_keyperiod WHERE key_id = %s ORDER BY period_start", (key,))


def test_a_batch_books_each_account_and_each_period_by_its_own_sums(books):
    one, other = books.worker(), books.worker()
    first, second, third = (books.account(100) for _ in range(3))
    key, bystander = books.key(first, 90), books.key(first, 90)
    for seq, (worker, account, full, more) in enumerate(
        [
            (one, first, 40, keyed(key, 40)),
            (one, first, 30, keyed(key, 30, period=NEXT)),
            (one, second, 50, {}),
            (other, first, 20, keyed(key, 20)),
            (other, second, 10, {}),
            (other, first, 9, keyed(bystander, 9)),
        ],
        1,
    ):
        hold(books, worker, seq, ask(account, full, **more))
    rows = [
        row(first, 15, 10, key, PERIOD, 11),
        row(first, 7, 7, key, PERIOD, 5),
        row(first, 3, 2, key, NEXT, 1),
        row(first, 0, 0, key, NEXT, 0),
        row(second, 8, 6),
        row(second, 4, 0),
        row(third, 0, 0),
    ]
    before = books.balance(REVENUE)
    assert commit(books, one, *rows) == "committed"
    assert books.balance(first) == (100 - 25, 99 - 19, 0)
    assert books.balance(second) == (100 - 12, 60 - 6, 0)
    assert (books.balance(third), books.balance(REVENUE)) == ((100, 0, 0), before)
    assert (periods(books, key), periods(books, bystander)) == ([(22, 60 - 16), (3, 30 - 1)], [(0, 9)])
    assert books.reservations(first) == {one: (70 - 19, 0), other: (29, 0)}
    assert books.reservations(second) == {one: (50 - 6, 0), other: (10, 0)}
    kept = "SELECT worker_id, period_start::text, amount FROM billing_keyreservation WHERE key_id = %s ORDER BY amount"
    assert books.sql(kept, (key,)) == [(other, PERIOD, 20), (one, PERIOD, 24), (one, NEXT, 29)]
    assert [books.usage_transfers(each) for each in (first, second, third)] == [[(REVENUE, 25)], [(REVENUE, 12)], []]
    assert books.batches(first) == [(7, 37)]
    booked = sorted(record[1:] for record in books.records(first))
    assert booked == [(0, 0, False), (3, 2, False), (7, 7, False), (15, 10, False)]


def test_of_a_worker_that_is_gone_all_is_charged_and_nothing_given_back_twice(books):
    worker, other, account = books.worker(), books.worker(), books.account(100)
    key = books.key(account, 90)
    hold(books, worker, 1, ask(account, 40, **keyed(key, 40)))
    hold(books, other, 1, ask(account, 20, **keyed(key, 20)))
    books.sql("SELECT xr_end_worker(%s, NULL, 'expired')", (worker,))
    assert commit(books, worker, row(account, 15, 10, key, PERIOD, 10), row(account, 2, 2, key, NEXT, 2)) == "late"
    assert books.balance(account) == (83, 20, 0)
    assert periods(books, key) == [(15, 20), (2, 0)]
    assert {each[1:] for each in books.records(account)} == {(15, 0, True), (2, 0, True)}
    assert commit(books, new_id(), row(account, 1, 1)) == "late"  # of a worker that nobody knows
    assert books.balance(account) == (82, 20, 0)


@pytest.mark.parametrize(("held", "key_held"), [(41, 0), (0, 41)])
def test_no_more_is_settled_than_its_worker_holds(books, held, key_held):
    worker, other, account = books.worker(), books.worker(), books.account(100)
    key = books.key(account, 90)
    hold(books, worker, 1, ask(account, 40, **keyed(key, 40)))
    hold(books, other, 1, ask(account, 20, **keyed(key, 20)))
    with pytest.raises(psycopg.errors.CheckViolation):
        commit(books, worker, row(account, 50, held, key, PERIOD, key_held))
    assert (books.balance(account), books.period(key)) == ((100, 60, 0), (0, 60))


def test_an_empty_batch_and_a_repeated_one_change_nothing(books):
    worker, account, batch = books.worker(), books.account(100), new_id()
    hold(books, worker, 1, ask(account, 40))
    assert commit(books, worker, row(account, 15, 10), batch=batch) == "committed"
    assert commit(books, worker, row(account, 15, 10), batch=batch) == "duplicate"
    assert commit(books, worker) == "committed"
    assert books.balance(account) == (85, 30, 0)
