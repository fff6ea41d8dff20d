"""Whose payment was reversed: a Stripe account may serve another shop too."""

from django.conf import settings

from billing.models import Payment, PaymentStatus
from billing.stripe.errors import Foreign, Parked
from billing.stripe.reversal import Paid
from billing.stripe.settle import payment_check


def payment_of(paid: Paid, *, what: str, currency: str, livemode: bool | None = None) -> Payment:
    """The paid payment of ours that `what` reverses; outside any transaction.

    A payment that we do not know as paid yet is asked about first: events come in any order. Raises Foreign where it
    is not ours, Parked where it says it is and cannot be, RuntimeError where it may be later.
    """
    payment = Payment.objects.filter(payment_intent_id=paid.intent_id).first() if paid.intent_id else None
    if payment is None:
        payment = _named(paid, what)
    if livemode is not None and livemode != settings.STRIPE_LIVEMODE:
        raise Parked(f"{what}: livemode is {livemode}, ours is {settings.STRIPE_LIVEMODE}")
    if payment.status not in (PaymentStatus.PAID, PaymentStatus.PARKED):
        payment = payment_check(payment=payment)
    if payment.status == PaymentStatus.PARKED:
        raise Foreign(f"{what}: payment {payment.pk} was never credited, so nothing is taken back")
    if payment.status != PaymentStatus.PAID:
        raise RuntimeError(f"{what}: payment {payment.pk} is {payment.status}")
    if payment.payment_intent_id != paid.intent_id:
        raise Parked(f"{what}: payment {payment.pk} was paid by {payment.payment_intent_id}, not {paid.intent_id}")
    if currency != "usd":
        raise Parked(f"{what}: its currency is {currency!r}, not 'usd'")
    return payment


def _named(paid: Paid, what: str) -> Payment:
    """The payment that the intent's metadata names; we wrote it there, before the intent had an id."""
    if not paid.payment:
        raise Foreign(f"{what}: {paid.intent_id or 'a charge without an intent'} is no payment of ours")
    found = Payment.objects.filter(pk=paid.payment_id).first() if paid.payment_id else None
    if found is None:
        raise Parked(f"{what}: {paid.intent_id} names payment {paid.payment[:80]!r}, which we do not have")
    return found
