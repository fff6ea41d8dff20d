"""Answers of Stripe's may be applied later than newer ones: whatever the order, the end is the same."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given, settings as hypothesis_settings, strategies as st

from accounts.models import Workspace
from billing.ledger import account_ensure
from billing.models import CreditAccount, Payment, Transfer
from billing.stripe.session import Session, session_parse
from billing.stripe.settle import session_apply

CENT = 10_000_000
OPEN = Session(
    id="",
    livemode=False,
    mode="payment",
    status="open",
    payment_status="unpaid",
    currency="usd",
    subtotal_cents=500,
    total_cents=500,
    tax_cents=0,
    intent_id="",
    intent_status="",
    decline_code="",
)
PROCESSING = replace(OPEN, status="complete", intent_id="pi", intent_status="processing")
LIVES = {
    "paid": [OPEN, PROCESSING, replace(PROCESSING, payment_status="paid", intent_status="succeeded")],
    "failed": [OPEN, PROCESSING, replace(PROCESSING, intent_status="requires_payment_method", decline_code="poor")],
    "expired": [OPEN, replace(OPEN, status="expired")],
    "parked": [OPEN, replace(PROCESSING, payment_status="paid", currency="eur")],
}


def apply(session: Session) -> str:
    with transaction.atomic():
        return session_apply(session)


@given(end=st.sampled_from(sorted(LIVES)), data=st.data())
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_order_ends_the_same(end, data):
    mark = uuid4().hex
    steps = [replace(one, id=f"cs_{mark}", intent_id=one.intent_id and f"pi_{mark}") for one in LIVES[end]]
    more = data.draw(st.lists(st.sampled_from(steps), max_size=4))
    order = data.draw(st.permutations([*steps, *more]))
    workspace = Workspace.objects.create(name="w")
    account = account_ensure(workspace_id=workspace.pk)
    payment = Payment.objects.create(
        workspace=workspace,
        amount_cents=500,
        amount_nanousd=500 * CENT,
        session_id=f"cs_{mark}",
        idempotency_key=uuid4(),
    )
    for session in order:
        apply(session)
    payment.refresh_from_db()
    credited = 500 * CENT if end == "paid" else 0
    assert payment.status == end
    assert CreditAccount.objects.get(pk=account).posted == credited
    assert Transfer.objects.filter(credit_account_id=account).count() == (1 if credited else 0)


def test_a_payment_changes_inside_a_transaction_only():
    with pytest.raises(RuntimeError, match="inside a transaction"):
        session_apply(OPEN)


FOUND = {
    "id": "cs_1",
    "livemode": False,
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "currency": "usd",
    "amount_subtotal": 500,
    "amount_total": 595,
    "total_details": {"amount_tax": 95},
    "payment_intent": {"id": "pi_1", "status": "succeeded", "last_payment_error": None},
}


def test_a_session_is_read_as_stripe_writes_it():
    found = session_parse(FOUND)
    assert (found.subtotal_cents, found.total_cents, found.tax_cents) == (500, 595, 95)
    assert (found.intent_id, found.intent_status, found.decline_code) == ("pi_1", "succeeded", "")
    assert session_parse(FOUND | {"payment_intent": "pi_1"}).intent_id == "pi_1"
    assert session_parse(FOUND | {"payment_intent": None, "currency": None}).intent_id == ""


@pytest.mark.parametrize("name", ["id", "livemode", "mode", "status", "payment_status", "currency", "amount_subtotal"])
def test_a_session_without_what_counts_is_refused(name):
    with pytest.raises(ValueError, match=name):
        session_parse({key: value for key, value in FOUND.items() if key != name})


@pytest.mark.parametrize("value", ["500", 5.0, True])
def test_an_amount_is_a_whole_number(value):
    with pytest.raises(ValueError, match="is not an amount"):
        session_parse(FOUND | {"amount_subtotal": value})
