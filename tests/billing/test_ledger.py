"""Promises 1 to 3: transfers balance by construction, move once, and never take what is not there."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from billing import ledger
from billing.ledger import InsufficientCredits
from billing.models import TransferKind
from billing.models.ledger import House
from tests.billing.books import BANK, REVENUE
from tests.servers import HOME
from xroute.embedded.postgres import APPLICATION

INSERT = """
INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key)
VALUES (%s, %s, %s, %s, %s)"""


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    """Django's own connections, committing."""
    with django_db_blocker.unblock():
        yield


def at_once(count: int, work) -> list:
    """Run `work(number)` in so many threads, from one barrier, each on a connection of its own."""
    barrier = threading.Barrier(count)

    def run(number: int):
        try:
            connection.ensure_connection()
            barrier.wait(20)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def account_row(account: int) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute("SELECT posted, reserved, paid_in FROM billing_creditaccount WHERE id = %s", [account])
        return cursor.fetchone()


def add(account: int, amount: int, key: str, kind=TransferKind.TOP_UP) -> bool:
    return ledger.credit_add(
        account_id=account, source=House.STRIPE_CLEARING, amount_nanousd=amount, kind=kind, idempotency_key=key
    )


def take(account: int, amount: int, key: str) -> bool:
    return ledger.credit_take(
        account_id=account,
        target=House.REFUNDS,
        amount_nanousd=amount,
        kind=TransferKind.REFUND,
        idempotency_key=key,
    )


@pytest.mark.parametrize(
    ("debit", "credit", "amount", "kind", "error"),
    [
        (BANK, REVENUE, 0, "deposit", psycopg.errors.CheckViolation),
        (BANK, REVENUE, -5, "deposit", psycopg.errors.CheckViolation),
        (BANK, BANK, 5, "deposit", psycopg.errors.CheckViolation),
        (BANK, REVENUE, 5, "gift", psycopg.errors.CheckViolation),
        (BANK, None, 5, "deposit", psycopg.errors.NotNullViolation),
        (None, REVENUE, 5, "deposit", psycopg.errors.NotNullViolation),
        (BANK, 987654321, 5, "deposit", psycopg.errors.ForeignKeyViolation),
    ],
)
def test_raw_sql_cannot_write_what_does_not_balance(books, debit, credit, amount, kind, error):
    with pytest.raises(error):
        books.sql(INSERT, (debit, credit, amount, kind, str(uuid4())), url=books.url)


def test_house_accounts_keep_no_balance(books):
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql("UPDATE billing_creditaccount SET posted = 1 WHERE house = 'bank'", url=books.url)


def test_reserved_cannot_be_negative(books):
    account = books.account(5)
    with pytest.raises(psycopg.errors.CheckViolation):
        books.sql("UPDATE billing_creditaccount SET reserved = -1 WHERE id = %s", (account,), url=books.url)


def test_one_payment_credits_once_however_often_it_comes_at_once(broke):
    answers = at_once(20, lambda _: add(broke.account_id, 500, f"pay:{broke.account_id}"))
    assert sorted(answers) == [False] * 19 + [True]
    assert account_row(broke.account_id) == (500, 0, 500)


def test_only_money_that_came_in_counts_as_paid(broke):
    add(broke.account_id, 300, str(uuid4()), TransferKind.PROMOTION)
    assert account_row(broke.account_id) == (300, 0, 0)


def test_fifty_at_once_on_a_balance_for_ten_are_exactly_ten(broke):
    add(broke.account_id, 10, str(uuid4()))

    def one(number: int) -> bool:
        try:
            return take(broke.account_id, 1, f"take:{broke.account_id}:{number}")
        except InsufficientCredits:
            return False

    assert sum(at_once(50, one)) == 10
    assert account_row(broke.account_id)[0] == 0


def test_a_refused_debit_leaves_no_transfer_and_may_come_again(broke):
    key = str(uuid4())
    with pytest.raises(InsufficientCredits, match=f"account {broke.account_id} cannot give 1"):
        take(broke.account_id, 1, key)
    add(broke.account_id, 1, str(uuid4()))
    assert take(broke.account_id, 1, key) is True
    assert take(broke.account_id, 1, key) is False


def test_what_is_reserved_cannot_be_taken(books, broke):
    add(broke.account_id, 10, str(uuid4()))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_creditaccount SET reserved = 8 WHERE id = %s", [broke.account_id])
    try:
        with pytest.raises(InsufficientCredits):
            take(broke.account_id, 3, str(uuid4()))
        assert take(broke.account_id, 2, str(uuid4()))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE billing_creditaccount SET reserved = 0 WHERE id = %s", [broke.account_id])


def test_a_debit_asks_all_workers_for_idle_credit_when_it_commits(broke):
    add(broke.account_id, 10, str(uuid4()))
    with psycopg.connect(HOME.postgres().url(APPLICATION), autocommit=True) as listener:
        listener.execute("LISTEN xr_recall")
        take(broke.account_id, 1, str(uuid4()))
        (note,) = listener.notifies(timeout=2, stop_after=1)
        assert note.payload == str(broke.account_id)


def test_an_account_is_made_once(owner):
    assert set(at_once(8, lambda _: ledger.account_ensure(workspace_id=owner.workspace_id))) == {owner.account_id}
