"""Refunds that Stripe has not answered, or not finished: what no webhook brought about."""

import logging

from django.db import transaction

from billing.models import Refund, RefundStatus
from billing.stripe import client
from billing.stripe.asking import ask_due
from billing.stripe.refunds import refund_apply, refund_ask

logger = logging.getLogger("xroute.billing")
REFUNDS_MAX = 50


def refunds_sweep() -> int:
    """Ask Stripe about refunds that have not ended; how many were asked about."""
    if not client.payments_enabled():
        return 0
    unsettled = Refund.objects.filter(status__in=(RefundStatus.ASKED, RefundStatus.PENDING)).select_related("payment")
    return ask_due(unsettled, limit=REFUNDS_MAX, what="refund", ask=lambda refund: refund_check(refund=refund))


def refund_check(*, refund: Refund) -> Refund:
    """How it stands now. One without an answer is looked for first: Stripe forgets idempotency keys after a day."""
    if refund.stripe_id:
        found = client.refund_retrieve(refund.stripe_id)
    else:
        listed = client.refunds_list(intent_id=str(refund.payment.payment_intent_id))
        ours = [one for one in listed if one.refund == str(refund.pk)]
        if not ours:
            return refund_ask(refund=refund)
        found = ours[0]
    with transaction.atomic(durable=True):
        if reason := refund_apply(found, refund.payment_id):
            logger.error("ALERT refund %s: %s", refund.pk, reason)
    refund.refresh_from_db()
    return refund
