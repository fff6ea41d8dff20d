"""What an event of Stripe's does. A handler asks Stripe what is true now - the event itself is only a hint - and
answers what to do about it; that is done, and the event marked done last, in one transaction.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from billing.models import EventStatus, Payment, StripeEvent
from billing.stripe import client
from billing.stripe.disputes import dispute_changed
from billing.stripe.errors import Foreign, Parked, StripeRefused
from billing.stripe.refunds import charge_refunded, refund_changed
from billing.stripe.settle import session_apply

logger = logging.getLogger("xroute.billing")
Effect = Callable[[], str]
"""Runs inside the event's transaction; answers why the event needs a person, or ""."""
BACKOFF_MIN_S, BACKOFF_MAX_S = 5, 3600


def checkout_changed(payload: Mapping[str, Any]) -> Effect:
    """A checkout session was completed, paid, failed or expired."""
    session_id = str(payload["data"]["object"]["id"])
    if not Payment.objects.filter(session_id=session_id).exists():
        raise Parked(f"session {session_id} belongs to no payment of ours")
    return partial(session_apply, client.session_retrieve(session_id))


HANDLERS: dict[str, Callable[[Mapping[str, Any]], Effect]] = {
    "checkout.session.completed": checkout_changed,
    "checkout.session.async_payment_succeeded": checkout_changed,
    "checkout.session.async_payment_failed": checkout_changed,
    "checkout.session.expired": checkout_changed,
    "refund.created": refund_changed,
    "refund.updated": refund_changed,
    "refund.failed": refund_changed,
    "charge.refund.updated": refund_changed,
    "charge.refunded": charge_refunded,
    "charge.dispute.created": dispute_changed,
    "charge.dispute.updated": dispute_changed,
    "charge.dispute.closed": dispute_changed,
    "charge.dispute.funds_withdrawn": dispute_changed,
    "charge.dispute.funds_reinstated": dispute_changed,
}


def event_process(*, event_id: str) -> None:
    """Do what one waiting event asks for. May run twice, or at the same time as itself. Never raises for the event."""
    event = StripeEvent.objects.filter(pk=event_id, status=EventStatus.WAITING).first()
    if event is None:
        return
    handler = HANDLERS.get(event.type)
    try:
        effect = handler(event.payload) if handler else None
        with transaction.atomic(durable=True):
            waiting = StripeEvent.objects.select_for_update().filter(pk=event_id, status=EventStatus.WAITING)
            if not waiting.exists():
                return
            reason = effect() if effect else ""
            _finish(
                event, EventStatus.PARKED if reason else EventStatus.DONE if handler else EventStatus.IGNORED, reason
            )
    except Parked as error:
        _finish(event, EventStatus.PARKED, str(error))
    except Foreign as error:
        _finish(event, EventStatus.IGNORED, str(error))
    except Exception as error:
        _failed(event, error)


def _finish(event: StripeEvent, status: EventStatus, reason: str) -> None:
    done = StripeEvent.objects.filter(pk=event.pk, status=EventStatus.WAITING).update(
        status=status, error=reason, attempts=event.attempts + 1, processed_at=Now()
    )
    if done and status == EventStatus.PARKED:
        logger.error("ALERT Stripe's event %s (%s) is parked: %s", event.pk, event.type, reason)


def _failed(event: StripeEvent, error: Exception) -> None:
    """Again later, and later still; after STRIPE_EVENT_ATTEMPTS_MAX it needs a person."""
    attempts = event.attempts + 1
    said = f"{type(error).__name__}: {error}"[:500]
    logger.warning("Stripe's event %s (%s) failed at try %s: %s", event.pk, event.type, attempts, said)
    unknown = isinstance(error, StripeRefused) and error.status == 404
    if unknown or attempts >= settings.STRIPE_EVENT_ATTEMPTS_MAX:
        _finish(event, EventStatus.PARKED, said)
        return
    wait = timedelta(seconds=min(BACKOFF_MIN_S * 2 ** min(attempts - 1, 20), BACKOFF_MAX_S))
    StripeEvent.objects.filter(pk=event.pk, status=EventStatus.WAITING).update(
        attempts=attempts, error=said, due_at=Now() + wait
    )
