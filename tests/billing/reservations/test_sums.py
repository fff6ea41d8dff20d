"""What the functions in SQL reckon, to the nano-USD: each bound from both sides, and nothing of anybody else's."""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.billing.books import Books
from tests.billing.parts import record
from xroute.lib.ids import new_id

PERIOD, NEXT = "2026-01-01", "2026-02-01"


def hold(books: Books, worker: UUID, seq: int, *items: dict[str, Any], limit: int = 0) -> list[dict[str, Any]]:
    ((answer,),) = books.sql("SELECT xr_hold(%s, %s, %s, %s)", (worker, seq, limit, Jsonb(items)))
    return answer["results"]


def ask(account: int, full: int, floor: int | None = None, **more: Any) -> dict[str, Any]:
    floor = full if floor is None else floor
    return {"i": 0, "account": account, "full": full, "floor": floor, "spare": 0, "have": 0} | more


def keyed(key: int, full: int, floor: int | None = None, have: int = 0, period: str = PERIOD) -> dict[str, Any]:
    floor = full if floor is None else floor
    return {"key": key, "period": period, "key_full": full, "key_floor": floor, "key_have": have}


@pytest.mark.parametrize(
    ("full", "spare", "take"), [(20, 5, 25), (20, 50, 30), (20, 10, 30), (92, 5, 93), (93, 5, 93), (100, 5, 100)]
)
def test_spare_is_an_eighth_of_what_would_be_left_at_most(books, full, spare, take):
    account = books.account(100)
    key = books.key(account, 100)
    (found,) = hold(books, books.worker(), 1, ask(account, full, spare=spare, **keyed(key, full)))
    assert found == {"i": 0, "take": take, "expose": 0, "key_take": take}
    assert (books.balance(account), books.period(key)) == ((100, take, 0), (0, take))


@pytest.mark.parametrize(
    ("full", "floor", "limit", "take", "expose"),
    [(105, 90, 8, 97, 8), (105, 90, 20, 95, 10), (105, 99, 20, 99, 6), (110, 90, 20, 100, 10), (101, 100, 20, 100, 1)],
)
def test_what_runs_unreserved_is_a_tenth_and_the_limit_and_above_the_floor(books, full, floor, limit, take, expose):
    account, worker = books.account(100), books.worker()
    (found,) = hold(books, worker, 1, ask(account, full, floor), limit=limit)
    assert (found["take"], found["expose"]) == (take, expose)
    assert books.balance(account) == (100, take, expose)
    assert books.reservations(account) == {worker: (take, expose)}


def test_what_is_exposed_already_counts(books):
    account = books.account(100)
    hold(books, books.worker(), 1, ask(account, 56, 50), ask(account, 54, 40), limit=10)
    assert books.balance(account) == (100, 56 + 44, 10)
    (found,) = hold(books, books.worker(), 1, ask(account, 1, 0), limit=10)
    assert found["refused"] == "held"


@pytest.mark.parametrize(
    ("full", "have", "refused"), [(111, 0, "credits"), (41, 60, "credits"), (41, 59, "held"), (100, 0, "held")]
)
def test_too_little_is_for_want_of_credit_or_for_what_others_hold(books, full, have, refused):
    """60 are held: by others, or, as far as `have` says so, by this worker itself."""
    account = books.account(100)
    hold(books, books.worker(), 1, ask(account, 60))
    (found,) = hold(books, books.worker(), 1, ask(account, full, have=have))
    assert found == {"i": 0, "refused": refused, "available": 40, "posted": 100, "key_left": None}
    assert books.balance(account) == (100, 60, 0)


@pytest.mark.parametrize(
    ("full", "have", "refused"), [(31, 0, None), (32, 0, "held"), (32, 59, "key_limit"), (32, 58, "held")]
)
def test_too_little_of_a_key_is_its_limit_or_what_others_hold(books, full, have, refused):
    """Of 100, 10 are spent and 59 held."""
    account, worker = books.account(1000), books.worker()
    key = books.key(account, 100)
    hold(books, worker, 1, ask(account, 59, **keyed(key, 59)))
    row = record(account, 10, key_id=key, period=date.fromisoformat(PERIOD)).as_json(held=0, key_held=0)
    books.sql("SELECT xr_meter_commit(%s, %s, %s)", (new_id(), worker, Jsonb([row])))
    (found,) = hold(books, books.worker(), 1, ask(account, full, **keyed(key, full, have=have)))
    assert (found.get("refused"), found.get("key_left")) == (refused, 31 if refused else None)
    assert books.period(key) == (10, 59 if refused else 59 + full)
    # Another month, and a key without a limit, know nothing of it.
    (found,) = hold(books, books.worker(), 1, ask(account, 100, **keyed(key, 100, period=NEXT)))
    assert found["key_take"] == 100
    (found,) = hold(books, books.worker(), 1, ask(account, 100, **keyed(books.key(account, None), 100)))
    assert found["key_take"] == 100


@pytest.mark.parametrize(("limit", "key_take"), [(101, 101), (100, 90), (90, 90), (89, None)])
def test_of_a_key_the_floor_will_do_where_a_part_is_exposed(books, limit, key_take):
    account = books.account(100)
    item = ask(account, 101, 90, **keyed(books.key(account, limit), 101, 90))
    (found,) = hold(books, books.worker(), 1, item, limit=1)
    assert (found.get("take"), found.get("key_take")) == ((100, key_take) if key_take else (None, None))


def test_the_least_there_is_goes_back_too(books):
    account, worker = books.account(100), books.worker()
    key = books.key(account, 100)
    hold(books, worker, 1, ask(account, 101, 90, **keyed(key, 90)), limit=1)
    hold(books, worker, 2, {"account": account, "give": 1, "give_exposure": 0})
    assert books.balance(account) == (100, 99, 1)
    hold(books, worker, 3, {"account": account, "give": 0, "give_exposure": 1})
    assert books.balance(account) == (100, 99, 0)
    hold(books, worker, 4, {"key": key, "period": PERIOD, "give_key": 1})
    assert books.period(key) == (0, 89)


def test_what_goes_back_can_be_taken_at_once_and_no_empty_row_stays(books):
    account, aside, worker, other = books.account(110), books.account(50), books.worker(), books.worker()
    key, key_aside = books.key(account, 120), books.key(account, 50)
    hold(books, other, 1, ask(account, 10, **keyed(key, 10)))
    hold(books, worker, 1, ask(aside, 5, **keyed(key_aside, 5)), ask(aside, 6, **keyed(key, 6, period=NEXT)))
    hold(books, worker, 2, ask(account, 111, 90, **keyed(key, 100, 90)), limit=50)
    assert books.reservations(account) == {worker: (100, 11), other: (10, 0)}
    give = {"account": account, "give": 100, "give_exposure": 0}
    give_key = {"key": key, "period": PERIOD, "give_key": 100}
    results = hold(books, worker, 3, ask(account, 70), give, give_key)
    assert results == [{"i": 0, "take": 70, "expose": 0, "key_take": 0}]
    assert books.balance(account) == (110, 80, 11)
    hold(books, worker, 4, give | {"give": 70})
    assert books.reservations(account) == {worker: (0, 11), other: (10, 0)}
    hold(books, worker, 5, give | {"give": 0, "give_exposure": 11})
    assert (books.reservations(account), books.balance(account)) == ({other: (10, 0)}, (110, 10, 0))
    assert (books.reservations(aside), books.balance(aside)) == ({worker: (11, 0)}, (50, 11, 0))
    kept = "SELECT worker_id, key_id, period_start::text, amount FROM billing_keyreservation WHERE key_id IN (%s, %s)"
    assert set(books.sql(kept, (key, key_aside))) == {
        (other, key, PERIOD, 10),
        (worker, key_aside, PERIOD, 5),
        (worker, key, NEXT, 6),
    }
    assert (books.period(key), books.period(key_aside)) == ((0, 16), (0, 5))


@pytest.mark.parametrize("part", ["give", "give_exposure", "give_key"])
def test_a_release_is_never_negative(books, part):
    account, worker = books.account(100), books.worker()
    key = books.key(account, 100)
    hold(books, worker, 1, ask(account, 50, **keyed(key, 50)))
    give = {"account": account, "give": 1, "give_exposure": 0, "key": key, "period": PERIOD, "give_key": 1}
    with pytest.raises(psycopg.errors.CheckViolation, match="never negative"):
        hold(books, worker, 2, give | {part: -1})


def test_the_end_of_a_worker_gives_back_all_it_held_and_nothing_else(books):
    one, other = books.worker(), books.worker()
    accounts = [books.account(100), books.account(100)]
    keys = [books.key(account, 100) for account in accounts]
    seq = count(1)
    for account, key in zip(accounts, keys, strict=True):
        for worker, full, period in ((one, 30, PERIOD), (one, 30, NEXT), (other, 20, PERIOD), (other, 18, NEXT)):
            hold(books, worker, next(seq), ask(account, full, **keyed(key, full, period=period)))
        hold(books, one, next(seq), ask(account, 5, 0), limit=3)
        assert (books.balance(account), books.period(key)) == ((100, 100, 3), (0, 98))
    assert books.sql("SELECT xr_end_worker(%s, NULL, 'closed')", (one,)) == [(True,)]
    for account, key in zip(accounts, keys, strict=True):
        assert (books.balance(account), books.period(key)) == ((100, 38, 0), (0, 38))
        assert books.reservations(account) == {other: (38, 0)}
    assert books.sql("SELECT id, state FROM billing_worker WHERE id IN (%s, %s) ORDER BY state", (one, other)) == [
        (one, "closed"),
        (other, "live"),
    ]
    assert books.sql("SELECT xr_end_worker(%s, NULL, 'closed')", (one,)) == [(False,)]
    assert books.sql("SELECT xr_hold(%s, 1000, 0, '[]')", (one,)) == [({"expired": True},)]
