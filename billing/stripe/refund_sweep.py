"""Refunds that Stripe has not answered, or not finished: what no webhook brought about."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least, Now

from billing.models import Refund, RefundStatus
from billing.stripe import client
from billing.stripe.errors import StripeDown, StripeError, StripeRefused
from billing.stripe.refunds import refund_apply, refund_ask

logger = logging.getLogger("xroute.billing")
REFUNDS_MAX = 50
RECHECK_MAX = timedelta(hours=1)


def refunds_sweep() -> int:
    """Ask Stripe about refunds that have not ended: after a minute, then ever more rarely. How many were asked of."""
    if not client.payments_enabled():
        return 0
    pause = Least(Greatest((Now() - F("created_at")) / 10, timedelta(seconds=settings.STRIPE_RECHECK_S)), RECHECK_MAX)
    open_ones = Refund.objects.filter(
        status__in=(RefundStatus.ASKED, RefundStatus.PENDING), checked_at__lte=Now() - pause
    )
    asked = 0
    for refund in open_ones.select_related("payment").order_by("checked_at")[:REFUNDS_MAX]:
        Refund.objects.filter(pk=refund.pk).update(checked_at=Now())
        asked += 1
        try:
            refund_check(refund=refund)
        except StripeDown as error:
            logger.warning("refunds are not checked: %s", error)
            break
        except (StripeError, ValueError) as error:
            logger.error("ALERT refund %s could not be checked: %s", refund.pk, error)
            if isinstance(error, StripeRefused) and error.status in (401, 403):
                break  # our key: it would be the same for each
    return asked


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
