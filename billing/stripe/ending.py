"""Checkouts that nobody is to pay any more: ended at Stripe first, so that a late payment cannot come of them."""

import logging

from billing.models import Payment, PaymentOrigin, PaymentStatus
from billing.stripe import client
from billing.stripe.errors import PaymentRefused, StripeError
from billing.stripe.settle import payment_check

logger = logging.getLogger("xroute.billing")
ENDED_MAX = 30


def checkouts_end(*, workspace_id: int) -> None:
    """End what a workspace has started and not paid. What Stripe has been paid meanwhile, or does not answer, stays."""
    started = Payment.objects.filter(
        workspace_id=workspace_id,
        status=PaymentStatus.OPEN,
        origin=PaymentOrigin.CHECKOUT,
        session_id__isnull=False,
    )
    for payment in started.order_by("created_at")[:ENDED_MAX]:
        try:
            client.session_expire(str(payment.session_id), idempotency_key=f"expire:{payment.pk}")
        except (StripeError, PaymentRefused) as error:
            logger.warning("payment %s could not be ended: %s", payment.pk, error)
        try:
            payment_check(payment=payment)
        except (StripeError, PaymentRefused, ValueError) as error:
            logger.warning("payment %s could not be looked at: %s", payment.pk, error)
