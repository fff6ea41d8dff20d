"""Credit that ends: never more than is unspent, never twice, never below zero available; and a mail a week before."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection, transaction
from hypothesis import given, settings as examples, strategies as st

from accounts.models import OutgoingMail
from billing.audit import CHECKS
from billing.expiry import endings, expiries_sweep, expiries_warn, expiry_set
from billing.ledger import credit_add, credit_take
from billing.models import ExpiringCredit, Transfer, TransferKind
from billing.models.ledger import House
from tests.billing.committing import account_of, someone, use
from tests.cast import USD


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    with django_db_blocker.unblock():
        yield


def give(workspace, amount: int, days: int = 30, kind=TransferKind.PROMOTION) -> Transfer:
    key = str(uuid4())
    source = House.PROMOTIONS if kind == TransferKind.PROMOTION else House.STRIPE_CLEARING
    with transaction.atomic():
        credit_add(
            account_id=account_of(workspace).pk, source=source, amount_nanousd=amount, kind=kind, idempotency_key=key
        )
        expiry_set(idempotency_key=key, days=days)
    return Transfer.objects.get(idempotency_key=key)


def end(*transfers: Transfer) -> None:
    """Their time is over."""
    pks = [transfer.pk for transfer in transfers]
    ExpiringCredit.objects.filter(pk__in=pks).update(expires_at="2020-01-01T00:00Z")
    expiries_sweep()


def taken(transfer: Transfer) -> int | None:
    return ExpiringCredit.objects.get(pk=transfer.pk).taken_nanousd


def reserve(workspace, amount: int) -> None:
    type(account_of(workspace)).objects.filter(workspace=workspace).update(reserved=amount)


def faults() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(CHECKS["credit that ended is not its transfer"])
        return [row[0] for row in cursor.fetchall()]


def test_what_is_unspent_goes_back_where_it_came_from_once():
    _, workspace = someone()
    gift = give(workspace, 10 * USD)
    use(workspace, 4 * USD)
    assert [one.unspent_nanousd for one in endings(workspace_id=workspace.pk)] == [6 * USD]
    expiries_sweep()
    assert taken(gift) is None, "its time has not come"
    end(gift)
    end(gift)
    assert (taken(gift), account_of(workspace).posted) == (6 * USD, 0)
    moved = Transfer.objects.get(idempotency_key=f"expiry:{gift.pk}")
    assert (moved.kind, moved.amount, moved.credit_account.house) == ("expiry", 6 * USD, "promotions")
    assert endings(workspace_id=workspace.pk) == []
    assert faults() == []


def test_bought_credit_that_ends_becomes_revenue_and_a_refund_of_it_counts_as_spent():
    _, workspace = someone()
    bought = give(workspace, 20 * USD, kind=TransferKind.TOP_UP)
    credit_take(
        account_id=account_of(workspace).pk,
        target=House.REFUNDS,
        amount_nanousd=15 * USD,
        kind=TransferKind.REFUND,
        idempotency_key=str(uuid4()),
    )
    later = give(workspace, 30 * USD, kind=TransferKind.TOP_UP)
    end(bought)
    assert (taken(bought), account_of(workspace).posted) == (5 * USD, 30 * USD)
    assert Transfer.objects.get(idempotency_key=f"expiry:{bought.pk}").credit_account.house == "revenue"
    assert taken(later) is None


def test_what_calls_hold_is_not_taken():
    _, workspace = someone()
    gift = give(workspace, 10 * USD)
    reserve(workspace, 7 * USD)
    end(gift)
    assert (taken(gift), account_of(workspace).posted) == (3 * USD, 7 * USD)
    reserve(workspace, 0)


def test_sweeps_at_once_take_it_once():
    _, workspace = someone()
    gift = give(workspace, 10 * USD)
    give(workspace, 50 * USD, days=300)
    ExpiringCredit.objects.filter(pk=gift.pk).update(expires_at="2020-01-01T00:00Z")
    barrier = threading.Barrier(12)

    def sweep(_) -> int:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            return expiries_sweep()
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(sweep, range(12))) == 1
    assert account_of(workspace).posted == 50 * USD


def test_the_mail_comes_once_a_week_before_and_not_for_what_is_spent():
    user, workspace = someone()
    soon, spent = give(workspace, 10 * USD, days=6), someone()
    give(workspace, 10 * USD, days=30)
    use(workspace, 3 * USD)
    give(spent[1], USD, days=6)
    use(spent[1], USD)
    for _ in range(2):
        expiries_warn()
    mail = OutgoingMail.objects.get(to_email=user.email)
    assert "Of a credit of $10.00, $7.00 is unspent" in mail.text
    assert not OutgoingMail.objects.filter(to_email=spent[0].email).exists()
    assert ExpiringCredit.objects.get(pk=soon.pk).warned_at is not None


AMOUNT = st.integers(1, 20 * USD)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("gift"), AMOUNT),
        st.tuples(st.just("buy"), AMOUNT),
        st.tuples(st.just("plain"), AMOUNT),
        st.tuples(st.just("use"), AMOUNT),
        st.tuples(st.just("hold"), AMOUNT),
        st.tuples(st.just("end"), st.integers(0, 5)),
    ),
    min_size=3,
    max_size=14,
)


@examples(max_examples=60)
@given(steps=STEPS)
def test_whatever_happens_no_more_is_taken_than_is_unspent_nor_twice_nor_below_what_is_free(steps):
    _, workspace = someone()
    open_: list[Transfer] = []
    spent_since: dict[int, int] = {}
    ended: dict[int, int] = {}
    for what, value in steps:
        if what in ("gift", "buy"):
            kind = TransferKind.PROMOTION if what == "gift" else TransferKind.TOP_UP
            made = give(workspace, value, kind=kind)
            open_.append(made)
            spent_since[made.pk] = 0
        elif what == "plain":
            credit_add(
                account_id=account_of(workspace).pk,
                source=House.BANK,
                amount_nanousd=value,
                kind=TransferKind.DEPOSIT,
                idempotency_key=str(uuid4()),
            )
        elif what == "use":
            use(workspace, value)  # also more than there is: the meter books what was used
            spent_since = {pk: spent + value for pk, spent in spent_since.items()}
        elif what == "hold":
            reserve(workspace, max(0, min(value, account_of(workspace).posted)))
        elif open_:
            chosen = open_.pop(value % len(open_))
            before = account_of(workspace)
            end(chosen)
            unspent = max(0, chosen.amount - spent_since[chosen.pk])
            ended[chosen.pk] = max(0, min(unspent, before.posted - before.reserved))
            after = account_of(workspace)
            assert taken(chosen) == before.posted - after.posted == ended[chosen.pk]
            assert after.posted - after.reserved >= min(0, before.posted - before.reserved)
    expiries_sweep()
    assert {pk: taken(Transfer.objects.get(pk=pk)) for pk in ended} == ended
    reserve(workspace, 0)
    assert faults() == []
