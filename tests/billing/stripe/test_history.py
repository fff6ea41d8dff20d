"""What pages show: a workspace's own payments, and its transfers with a balance that is right on every page."""

from uuid import uuid4

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from accounts.models import Workspace
from billing.history import movements_page, payment_get, payments_recent
from billing.ledger import account_ensure, credit_add, credit_take
from billing.models import TransferKind
from billing.models.ledger import House
from billing.stripe.settle import payment_check

CENT = 10_000_000


def move(account: int, amount: int, kind: TransferKind) -> None:
    key, size = str(uuid4()), abs(amount)
    if amount > 0:
        credit_add(
            account_id=account, source=House.BANK, amount_nanousd=size, kind=kind, idempotency_key=key, reference="r"
        )
    else:
        credit_take(account_id=account, target=House.REVENUE, amount_nanousd=size, kind=kind, idempotency_key=key)


AMOUNTS = st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=12)


@given(moves=AMOUNTS, size=st.integers(1, 5), usage=st.booleans())
@hypothesis_settings(max_examples=25, deadline=None)
def test_all_pages_together_are_the_whole_history(moves, size, usage):
    workspace = Workspace.objects.create(name="w")
    account, expected, balance = account_ensure(workspace_id=workspace.pk), [], 0
    for gives, amount in moves:
        signed = amount if gives or balance < amount else -amount
        kind = TransferKind.DEPOSIT if signed > 0 else TransferKind.USAGE
        move(account, signed, kind)
        balance += signed
        if usage or kind != TransferKind.USAGE:
            expected.append((kind.value, signed, balance))
    found, before = [], None
    while True:
        page = movements_page(workspace_id=workspace.pk, before=before, size=size, usage=usage)
        assert len(page.movements) <= size
        found += page.movements
        if page.before is None:
            break
        before = page.before
    assert [(one.kind, one.amount_nanousd, one.balance_nanousd) for one in found] == expected[::-1]
    assert len({one.id for one in found}) == len(found)


def test_a_workspace_without_an_account_has_no_history():
    assert movements_page(workspace_id=Workspace.objects.create(name="new").pk).movements == []


def test_a_top_up_is_shown_with_its_payment(till):
    payment = till.paid()
    payment_check(payment=payment)
    (one,) = movements_page(workspace_id=till.person.workspace_id).movements
    assert (one.kind, one.reference, one.amount_nanousd) == ("top_up", f"payment:{payment.pk}", 2000 * CENT)


@pytest.mark.parametrize("who", ["stranger", "other_broke"])
def test_another_workspaces_payment_is_not_found(till, stranger, make_person, who):
    other = stranger if who == "stranger" else make_person()
    payment = till.paid()
    payment_check(payment=payment)
    assert payment_get(workspace_id=till.person.workspace_id, payment_id=payment.pk) == payment
    assert payment_get(workspace_id=other.workspace_id, payment_id=payment.pk) is None
    assert payment.pk not in [one.pk for one in payments_recent(workspace_id=other.workspace_id)]
    assert payment.pk in [one.pk for one in payments_recent(workspace_id=till.person.workspace_id)]
    seen = movements_page(workspace_id=other.workspace_id).movements
    assert str(payment.pk) not in "".join(one.reference for one in seen)
