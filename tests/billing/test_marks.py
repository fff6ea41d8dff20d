"""Marks of balances: every so-many-th balance is written down once, and no page changes by it."""

from uuid import uuid4

import pytest

from billing import history, marks
from tests.billing.books import BANK, REVENUE, djangos_own

OLD = "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key, created_at) "


@pytest.fixture
def marked(own_books, django_db_blocker, monkeypatch):
    """Books with small steps between marks, whose marks Django makes."""
    monkeypatch.setattr(marks, "EVERY", 3)
    monkeypatch.setattr(marks, "STEPS", 2)
    with django_db_blocker.unblock(), djangos_own(own_books):
        yield own_books


def move(books, account: int, amount: int, kind: str = "deposit", ago: str = "1 hour") -> None:
    sides = (BANK, account) if amount > 0 else (account, REVENUE)
    query = OLD + "VALUES (%s, %s, %s, %s, %s, now() - %s::interval)"
    books.sql(query, (*sides, abs(amount), kind, str(uuid4()), ago))
    query = "UPDATE billing_creditaccount SET posted = posted + %s, paid_in = paid_in + %s WHERE id = %s"
    books.sql(query, (amount, amount if kind == "deposit" else 0, account))


def written(books, account: int) -> list[int]:
    query = "SELECT balance FROM billing_balancemark WHERE account_id = %s ORDER BY transfer_id"
    return [row[0] for row in books.sql(query, (account,))]


def test_every_third_balance_is_marked_once_however_often_and_in_how_many_steps(marked):
    account, other = marked.account(), marked.account()
    for number in range(1, 18):
        move(marked, account, 100 if number % 2 else -10, "deposit" if number % 2 else "usage")
        if number == 5:
            assert marks.marks_add() == 1
    move(marked, other, 7)
    assert marks.marks_add() == 4
    assert marks.marks_add() == 0
    assert written(marked, account) == [190, 270, 460, 540, 730]
    assert written(marked, other) == []
    assert {fault.check for fault in marked.audit()} == {"a batch's records are not its transfers"}  # it has none


def test_what_may_still_be_overtaken_is_not_marked_nor_anything_after_it(marked):
    account = marked.account()
    for ago in ("1 hour", "1 hour", "1 second", "1 hour", "1 hour", "1 hour"):
        move(marked, account, 1, ago=ago)
    assert marks.marks_add() == 0
    move(marked, marked.account(), 1)
    assert written(marked, account) == []


def test_pages_are_the_same_with_marks_as_without(marked):
    account = marked.account()
    workspace = marked.sql("SELECT workspace_id FROM billing_creditaccount WHERE id = %s", (account,))[0][0]
    for number in range(20):
        move(marked, account, 50 if number % 4 == 0 else -3, "deposit" if number % 4 == 0 else "usage")

    def pages(usage: bool) -> list:
        found, before = [], None
        while True:
            page = history.movements_page(workspace_id=workspace, before=before, size=4, usage=usage)
            found += [(one.id, one.amount_nanousd, one.balance_nanousd) for one in page.movements]
            if page.before is None:
                return found
            before = page.before

    without = pages(True), pages(False)
    assert marks.marks_add() == 6
    assert (pages(True), pages(False)) == without
    assert without[0][0][2] == 20 // 4 * 50 - 15 * 3
    marked.plant("UPDATE billing_balancemark SET balance = balance + 1000")  # they are what is read
    assert pages(True)[-1][2] == without[0][-1][2] + 1000
