"""One query says how much of a balance was paid for: it agrees with a walk, promotional credit first."""

from uuid import uuid4

import pytest
from hypothesis import given, settings, strategies as st

from billing.refundable import unspent_of
from tests.billing.books import djangos_own

HOUSE = {"bank": 1, "stripe_clearing": 2, "revenue": 6, "promotions": 7, "refunds": 8, "disputes": 5, "write_offs": 9}
# kind, from or to the workspace, the other side
MOVES = {
    "deposit": (1, "bank"),
    "top_up": (1, "stripe_clearing"),
    "promotion": (1, "promotions"),
    "correction": (1, "revenue"),
    "correction back": (-1, "revenue"),
    "usage": (-1, "revenue"),
    "expiry": (-1, "promotions"),
    "forfeit": (-1, "revenue"),
    "refund": (-1, "refunds"),
    "refund back": (1, "refunds"),
    "dispute": (-1, "disputes"),
    "dispute back": (1, "disputes"),
    "write_off": (1, "write_offs"),
}


def walk(moves) -> tuple[int, int]:
    """(posted, promotional left), by what each movement does."""
    posted = promotional = 0
    for name, amount in moves:
        sign = MOVES[name][0]
        posted += sign * amount
        if name in ("promotion", "correction"):
            promotional += amount
        elif sign < 0 and name not in ("refund", "dispute"):
            promotional -= min(promotional, amount)
    return posted, promotional


@given(moves=st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(1, 50)), max_size=25))
@settings(max_examples=60)
def test_the_query_is_the_walk(own_books, django_db_blocker, moves):
    account = own_books.account()
    for name, amount in moves:
        sign, house = MOVES[name]
        sides = (HOUSE[house], account) if sign > 0 else (account, HOUSE[house])
        own_books.sql(
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
            "VALUES (%s, %s, %s, %s, %s)",
            (*sides, amount, name.split()[0], str(uuid4())),
        )
    posted, promotional = walk(moves)
    paid = sum(MOVES[n][0] * a for n, a in moves if n.split()[0] in ("deposit", "top_up", "refund", "dispute"))
    own_books.sql("UPDATE billing_creditaccount SET posted = %s, paid_in = %s WHERE id = %s", (posted, paid, account))
    with django_db_blocker.unblock(), djangos_own(own_books):
        found = unspent_of(account_id=account)
    assert (found.posted, found.promotional, found.paid) == (posted, promotional, max(0, posted - promotional))


@pytest.mark.parametrize(("moves", "paid"), [([], 0), ([("top_up", 9), ("promotion", 5), ("usage", 7)], 7)])
def test_promotional_credit_is_spent_first(moves, paid):
    posted, promotional = walk(moves)
    assert posted - promotional == paid
