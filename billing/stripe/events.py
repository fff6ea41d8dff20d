"""What an event of Stripe's does. A handler asks Stripe what is true now - the event itself is only a hint - and
answers what to do about it; that is done, and the event marked done last, in one transaction.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from billing.models import EventStatus, Payment, PaymentOrigin, StripeCustomer, StripeEvent
from billing.stripe import client
from billing.stripe.auto import auto_charge
from billing.stripe.cards import card_refresh
from billing.stripe.disputes import dispute_changed
from billing.stripe.errors import Foreign, Parked, StripeRefused
from billing.stripe.refunds import charge_refunded, refund_changed
from billing.stripe.settle import intent_apply, session_apply

logger = logging.getLogger("xroute.billing")
Effect = Callable[[], str]
"""Runs inside the event's transaction; answers why the event needs a person, or ""."""
UUID_TEXT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BACKOFF_MIN_S, BACKOFF_MAX_S = 5, 3600


def checkout_changed(payload: Mapping[str, Any]) -> Effect:
    """A checkout session was completed, paid, failed or expired."""
    session_id = str(payload["data"]["object"]["id"])
    if not Payment.objects.filter(session_id=session_id).exists():
        _session_unknown(session_id, str((payload["data"]["object"].get("metadata") or {}).get("payment") or ""))
    return partial(session_apply, client.session_retrieve(session_id))


def _session_unknown(session_id: str, named: str) -> None:
    """Raises what it is: another shop's, one whose id we are about to note, or one that needs a person."""
    if not named:
        raise Foreign(f"session {session_id} is of no payment of ours")
    payment = Payment.objects.filter(pk=named).first() if UUID_TEXT.fullmatch(named) else None
    if payment is None or payment.session_id:
        raise Parked(f"session {session_id} names payment {named[:80]!r}, and belongs to no payment of ours")
    raise RuntimeError(f"session {session_id} of payment {named} is not noted yet")


def intent_changed(payload: Mapping[str, Any]) -> Effect | None:
    """A charge was paid, failed or canceled. An intent of nothing of ours is no concern of ours.

    Where the answer to our own call was lost, the intent names its payment: that call is made again, under its key,
    and says itself which intent it is.
    """
    intent_id = str(payload["data"]["object"]["id"])
    payment = Payment.objects.filter(payment_intent_id=intent_id).first()
    if payment is None:
        intent = client.intent_retrieve(intent_id)
        lost = Payment.objects.filter(origin=PaymentOrigin.AUTO, asked_at__isnull=False, payment_intent_id__isnull=True)
        payment = lost.filter(pk=intent.payment).first() if UUID_TEXT.fullmatch(intent.payment) else None
        if payment is not None:
            auto_charge(payment=payment)
        return None
    if payment.origin == PaymentOrigin.AUTO:
        return partial(intent_apply, client.intent_retrieve(intent_id))
    return partial(session_apply, client.session_retrieve(str(payment.session_id)))


def card_changed(payload: Mapping[str, Any]) -> Effect | None:
    """A card got a new expiry from its bank, or was taken away in Stripe's dashboard."""
    method_id = str(payload["data"]["object"]["id"])
    if not StripeCustomer.objects.filter(payment_method_id=method_id).exists():
        return None
    card = client.card_retrieve(method_id)
    return partial(card_refresh, card) if card else None


HANDLERS: dict[str, Callable[[Mapping[str, Any]], Effect | None]] = {
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
    "payment_intent.succeeded": intent_changed,
    "payment_intent.payment_failed": intent_changed,
    "payment_intent.processing": intent_changed,
    "payment_intent.canceled": intent_changed,
    "payment_method.updated": card_changed,
    "payment_method.automatically_updated": card_changed,
    "payment_method.detached": card_changed,
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
