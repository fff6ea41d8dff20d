"""What no webhook brought about: events that were stored and not processed, payments that nobody reported."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from billing.models import EventStatus, Payment, PaymentOrigin, PaymentStatus, StripeEvent
from billing.stripe.asking import ask_due
from billing.stripe.auto import auto_charge
from billing.stripe.client import payments_enabled
from billing.stripe.events import event_process
from billing.stripe.settle import payment_check

EVENTS_MAX, PAYMENTS_MAX = 100, 50
UNOPENED_KEPT = timedelta(hours=24)


def events_sweep() -> int:
    """Process events that are due; how many were tried."""
    waiting = StripeEvent.objects.filter(status=EventStatus.WAITING, due_at__lte=Now())
    due = list(waiting.order_by("due_at").values_list("pk", flat=True)[:EVENTS_MAX])
    for event_id in due:
        event_process(event_id=event_id)
    return len(due)


def payments_sweep() -> int:
    """Ask Stripe about payments that are not settled; how many were asked about.

    A payment that never got a page cannot have been paid: it expires after a day.
    """
    unsettled = Payment.objects.filter(status__in=(PaymentStatus.OPEN, PaymentStatus.PROCESSING))
    unopened = unsettled.filter(origin=PaymentOrigin.CHECKOUT, session_id__isnull=True)
    unopened.filter(created_at__lt=Now() - UNOPENED_KEPT).update(
        status=PaymentStatus.EXPIRED, error="The payment page could not be opened."
    )
    if not payments_enabled():
        return 0
    asked_for = Q(session_id__isnull=False) | Q(origin=PaymentOrigin.AUTO)
    return ask_due(unsettled.filter(asked_for), limit=PAYMENTS_MAX, what="payment", ask=_ask)


def _ask(payment: Payment) -> Payment:
    return auto_charge(payment=payment) if payment.origin == PaymentOrigin.AUTO else payment_check(payment=payment)
