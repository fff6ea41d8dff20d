"""What no webhook brought about: events that were stored and not processed, payments that nobody reported."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least, Now

from billing.models import EventStatus, Payment, PaymentOrigin, PaymentStatus, StripeEvent
from billing.stripe.auto import auto_charge
from billing.stripe.client import payments_enabled
from billing.stripe.errors import StripeDown, StripeError, StripeRefused
from billing.stripe.events import event_process
from billing.stripe.settle import payment_check

logger = logging.getLogger("xroute.billing")
EVENTS_MAX, PAYMENTS_MAX = 100, 50
UNOPENED_KEPT = timedelta(hours=24)
RECHECK_MAX = timedelta(hours=1)


def events_sweep() -> int:
    """Process events that are due; how many were tried."""
    waiting = StripeEvent.objects.filter(status=EventStatus.WAITING, due_at__lte=Now())
    due = list(waiting.order_by("due_at").values_list("pk", flat=True)[:EVENTS_MAX])
    for event_id in due:
        event_process(event_id=event_id)
    return len(due)


def payments_sweep() -> int:
    """Ask Stripe about payments that are not settled: after a minute, then ever more rarely. How many were asked about.

    A payment that never got a page cannot have been paid: it expires after a day.
    """
    unsettled = Payment.objects.filter(status__in=(PaymentStatus.OPEN, PaymentStatus.PROCESSING))
    unopened = unsettled.filter(origin=PaymentOrigin.CHECKOUT, session_id__isnull=True)
    unopened.filter(created_at__lt=Now() - UNOPENED_KEPT).update(
        status=PaymentStatus.EXPIRED, error="The payment page could not be opened."
    )
    if not payments_enabled():
        return 0
    pause = Least(Greatest((Now() - F("created_at")) / 10, timedelta(seconds=settings.STRIPE_RECHECK_S)), RECHECK_MAX)
    asked_for = Q(session_id__isnull=False) | Q(origin=PaymentOrigin.AUTO)
    due = unsettled.filter(asked_for, checked_at__lte=Now() - pause).order_by("checked_at")
    asked = 0
    for payment in due[:PAYMENTS_MAX]:
        Payment.objects.filter(pk=payment.pk).update(checked_at=Now())
        asked += 1
        try:
            auto_charge(payment=payment) if payment.origin == PaymentOrigin.AUTO else payment_check(payment=payment)
        except StripeDown as error:
            logger.warning("payments are not checked: %s", error)
            break
        except (StripeError, ValueError) as error:
            logger.error("ALERT payment %s could not be checked: %s", payment.pk, error)
            if isinstance(error, StripeRefused) and error.status in (401, 403):
                break  # our key: it would be the same for each
        except Exception:
            logger.exception("ALERT payment %s could not be checked; the others are", payment.pk)
    return asked
