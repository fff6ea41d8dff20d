"""A bank debit that comes back after it was paid: its credit is taken once, whatever is left, and people are told."""

import pytest

from accounts.models import OutgoingMail
from accounts.services_operator import operator_make
from billing.models import Payment, Refund, StripeBalanceTransaction as Lines, Transfer
from billing.stripe.compare import stripe_compare
from billing.stripe.mirror import clearing_nanousd, lines_mirror
from billing.stripe.settle import payment_check
from tests.billing.stripe.conftest import Till, at_once
from tests.billing.stripe.reversing import CENT, deliver, dispute, events_of, held, refunds
from tests.emulator import BANK_GOOD

SUBJECT = "A payment was returned by the bank"


@pytest.fixture
def debit(alone) -> Payment:
    payment = alone.paid(2000, BANK_GOOD, bank=True)
    alone.emulator.control(f"settle/{payment.session_id}", outcome="succeeded")
    return payment_check(payment=payment)


def returned(alone: Till, payment: Payment, kind: str = "payment_failure_refund", cents: int = 2000) -> dict:
    source = alone.emulator.charge(payment.payment_intent_id)["id"]
    return alone.emulator.control("line", kind=kind, amount=-cents, fee=400, source=source)


def compared(alone: Till) -> list[dict]:
    found = stripe_compare()
    assert found.unexplained_cents == 0, found.differences
    return found.differences


@pytest.mark.parametrize("kind", ["payment_failure_refund", "payment_reversal"])
def test_what_the_bank_returned_is_taken_back_once_and_told_once(alone, debit, kind):
    operator_make(email="op@example.com", password="correct horse battery")
    OutgoingMail.objects.all().delete()
    line = returned(alone, debit, kind)
    at_once(*[lambda: lines_mirror()] * 4)
    lines_mirror()
    assert compared(alone) == []
    assert (alone.balance(), refunds(debit)) == (0, [("stripe", "succeeded", 2000)])
    assert Refund.objects.get().stripe_id == line["id"]
    assert clearing_nanousd() == alone.emulator.balance() * CENT
    assert not Transfer.objects.filter(kind="stripe_other").exists()
    told = OutgoingMail.objects.filter(subject__startswith=SUBJECT)
    assert told.count() == 2
    assert all("20.00 of credit was taken" in mail.text and str(debit.pk) in mail.text for mail in told)


def test_a_refund_and_a_dispute_of_it_take_no_more_than_the_payment(alone, debit):
    """What the dispute holds makes room: its credit goes once."""
    made = alone.emulator.control("refund", payment_intent=debit.payment_intent_id, amount=500)
    found = dispute(alone, debit)
    deliver([*events_of(alone, made["id"]), *events_of(alone, found["id"])])
    assert (alone.balance(), held(found)) == (0, 1500 * CENT)
    returned(alone, debit, cents=1500)
    lines_mirror()
    assert (alone.balance(), held(found)) == (0, 0)
    assert refunds(debit) == [("stripe", "succeeded", 500), ("stripe", "succeeded", 1500)]
    assert compared(alone) == []


def test_more_than_is_left_of_the_payment_waits_and_is_named(alone, debit):
    for cents in (1500, 1000):
        returned(alone, debit, cents=cents)
    lines_mirror()
    (row,) = [row for row in compared(alone) if row["alert"]]
    assert str(debit.pk) in row["what"]
    assert Lines.objects.filter(status="waiting").count() == len(refunds(debit)) == 1


def test_before_we_know_of_the_payment_it_waits_and_another_shops_is_left_alone(alone):
    payment = alone.paid(2000, BANK_GOOD, bank=True)
    alone.emulator.control(f"settle/{payment.session_id}", outcome="succeeded")
    intent = alone.emulator.session(payment.session_id)["payment_intent"]["id"]
    charge, sale = alone.emulator.charge(intent)["id"], alone.emulator.control("sale", amount=900)["id"]
    for source, cents in ((charge, 2000), (sale, 900)):
        alone.emulator.control("line", kind="payment_reversal", amount=-cents, source=source)
    lines_mirror()
    assert (alone.balance(), Refund.objects.count()) == (0, 0)
    assert sorted(Lines.objects.values_list("status", flat=True)) == ["foreign", "foreign", "waiting", "waiting"]
    payment_check(payment=payment)
    assert alone.balance() == 2000 * CENT
    lines_mirror()
    assert (alone.balance(), refunds(payment)) == (0, [("stripe", "succeeded", 2000)])
    assert [row["key"] for row in compared(alone)] == ["foreign:usd"]
