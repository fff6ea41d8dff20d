"""The other verbs of the ledger: what Stripe has taken already, moves between workspaces and within the house."""

from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from billing import ledger
from billing.ledger import InsufficientCredits
from billing.models import Transfer, TransferKind
from billing.models.ledger import House
from tests.billing.test_ledger import account_row, add, at_once
from tests.servers import HOME
from xroute.embedded.postgres import APPLICATION


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    """Django's own connections, committing."""
    with django_db_blocker.unblock():
        yield


def reverse(account: int, amount: int, key: str, kind=TransferKind.REFUND) -> bool:
    return ledger.credit_reverse(
        account_id=account, target=House.REFUNDS, amount_nanousd=amount, kind=kind, idempotency_key=key
    )


def move(source: int, target: int, amount: int, key: str) -> bool:
    return ledger.credit_move(
        source_id=source, target_id=target, amount_nanousd=amount, kind=TransferKind.MOVE, idempotency_key=key
    )


def reserve(account: int, amount: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_creditaccount SET reserved = %s WHERE id = %s", [amount, account])


def recalled(work) -> set[str]:
    """The accounts that workers were asked to give back, by what `work` did."""
    with psycopg.connect(HOME.postgres().url(APPLICATION), autocommit=True) as listener:
        listener.execute("LISTEN xr_recall")
        work()
        return {note.payload for note in listener.notifies(timeout=2, stop_after=1)}


def test_what_stripe_took_is_taken_whatever_is_there_and_once(broke):
    key = str(uuid4())
    add(broke.account_id, 10, str(uuid4()))
    reserve(broke.account_id, 8)
    try:
        assert reverse(broke.account_id, 25, key) is True
        assert reverse(broke.account_id, 25, key) is False
        assert account_row(broke.account_id) == (-15, 8, -15)
    finally:
        reserve(broke.account_id, 0)
    transfer = Transfer.objects.get(idempotency_key=key)
    assert (transfer.credit_account.house, transfer.amount, transfer.kind) == ("refunds", 25, "refund")


def test_ten_times_at_once_it_is_taken_once(broke):
    key = str(uuid4())
    assert sorted(at_once(10, lambda _: reverse(broke.account_id, 3, key))) == [False] * 9 + [True]
    assert account_row(broke.account_id)[0] == -3


def test_what_is_taken_asks_workers_for_idle_credit(broke):
    assert recalled(lambda: reverse(broke.account_id, 1, str(uuid4()))) == {str(broke.account_id)}


def test_a_move_takes_from_one_and_gives_to_the_other_once(broke, make_person):
    other, key = make_person(), str(uuid4())
    add(broke.account_id, 10, str(uuid4()))
    assert recalled(lambda: move(broke.account_id, other.account_id, 10, key)) == {str(broke.account_id)}
    assert move(broke.account_id, other.account_id, 10, key) is False
    assert account_row(broke.account_id) == (0, 0, 10)
    assert account_row(other.account_id) == (10, 0, 0)
    assert move(other.account_id, broke.account_id, 10, str(uuid4())) is True  # also against the order of ids
    assert (account_row(broke.account_id)[0], account_row(other.account_id)[0]) == (10, 0)


def test_a_move_takes_no_more_than_is_available_and_changes_nothing_then(broke, make_person):
    other, key = make_person(), str(uuid4())
    add(broke.account_id, 10, str(uuid4()))
    reserve(broke.account_id, 1)
    try:
        with pytest.raises(InsufficientCredits):
            move(broke.account_id, other.account_id, 10, key)
    finally:
        reserve(broke.account_id, 0)
    assert (account_row(broke.account_id)[0], account_row(other.account_id)[0]) == (10, 0)
    assert not Transfer.objects.filter(idempotency_key=key).exists()


def test_moves_both_ways_at_once_neither_lock_up_nor_lose_anything(broke, make_person):
    other = make_person()
    for account in (broke.account_id, other.account_id):
        add(account, 100, str(uuid4()))
    sides = [(broke.account_id, other.account_id), (other.account_id, broke.account_id)]
    assert at_once(12, lambda number: move(*sides[number % 2], 5, str(uuid4()))) == [True] * 12
    assert (account_row(broke.account_id)[0], account_row(other.account_id)[0]) == (100, 100)


def test_the_house_moves_among_its_accounts_once_and_keeps_no_balance():
    key = str(uuid4())

    def moved() -> bool:
        return ledger.house_move(
            source=House.PROCESSING_FEES,
            target=House.STRIPE_CLEARING,
            amount_nanousd=7,
            kind=TransferKind.STRIPE_FEE,
            idempotency_key=key,
        )

    assert [moved(), moved()] == [True, False]
    transfer = Transfer.objects.get(idempotency_key=key)
    assert (transfer.debit_account.house, transfer.credit_account.house) == ("processing_fees", "stripe_clearing")
    assert (transfer.debit_account.posted, transfer.credit_account.posted) == (0, 0)
