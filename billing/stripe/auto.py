"""Charges to the saved card while nobody is there.

The row comes first, with everything that Stripe will be asked; then Stripe, under the row's own key. Whatever happened
to the answer, a repeat is the same call, and finds the same charge.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from billing.auto_top_up import auto_capped_tell, auto_due, auto_payment_fix, auto_payment_reserve
from billing.models import Payment, PaymentOrigin, PaymentStatus
from billing.stripe import client
from billing.stripe.cards import customer_forget, customer_gone
from billing.stripe.errors import PaymentRefused, StripeDown, StripeError, StripeRefused
from billing.stripe.notices import auto_top_up_pause, declined_sentence
from billing.stripe.settle import PARKED, payment_check

logger = logging.getLogger("xroute.billing")
ROUND_MAX = 50
REPEATABLE = timedelta(hours=20)  # Stripe remembers keys for a day; later a repeat could be another charge
NO_ADDRESS = "The tax on it cannot be reckoned: Stripe does not know your address. Buy credit once by hand."


def auto_sweep() -> int:
    """Charge every workspace that needs it; how many were tried. Never in a loop: a failed one is paused."""
    if not client.payments_enabled():
        return 0
    auto_capped_tell()
    tried = 0
    for workspace_id in auto_due(limit=ROUND_MAX):
        payment = auto_payment_reserve(workspace_id=workspace_id)
        if payment is None:
            continue
        tried += 1
        try:
            auto_charge(payment=payment)
        except StripeDown as error:
            logger.warning("auto top-up %s waits: %s", payment.pk, error)
            break
        except (StripeError, PaymentRefused, ValueError) as error:
            logger.error("ALERT auto top-up %s: %s", payment.pk, error)
            break
    return tried


def auto_charge(*, payment: Payment) -> Payment:
    """Bring an auto top-up to its end, as far as Stripe knows it. Safe to repeat. Raises StripeError."""
    if payment.status not in (PaymentStatus.OPEN, PaymentStatus.PROCESSING):
        return payment
    if not payment.payment_intent_id:
        try:
            if not _ask(payment):
                return payment
        except StripeRefused as error:
            if error.status in (401, 403, 404):  # our own key, or an address of Stripe's: not the card's fault
                raise
            _refused(payment, error)
            return payment
    return payment_check(payment=payment)


def _ask(payment: Payment) -> bool:
    """Whether there is an intent now, whose id is noted."""
    if payment.asked_at is None and not _fix(payment):
        return False
    stale = Payment.objects.filter(pk=payment.pk, asked_at__lt=Now() - REPEATABLE)
    if stale.exists():
        _end(payment, PaymentStatus.PARKED, PARKED)
        logger.error("ALERT auto top-up %s: whether Stripe charged it is unknown, and too old to ask", payment.pk)
        return False
    intent_id = client.intent_charge(
        payment_id=payment.pk,
        customer_id=payment.customer_id,
        payment_method_id=payment.payment_method_id,
        total_cents=payment.total_cents or 0,
        idempotency_key=str(payment.idempotency_key),
    )
    Payment.objects.filter(pk=payment.pk, payment_intent_id__isnull=True).update(payment_intent_id=intent_id)
    payment.refresh_from_db()
    return True


def _fix(payment: Payment) -> bool:
    if not settings.XROUTE_STRIPE_TAX:
        return auto_payment_fix(payment=payment, tax_cents=0, calculation_id="")
    found = client.tax_calculate(
        customer_id=payment.customer_id,
        amount_cents=payment.amount_cents,
        fee_cents=payment.fee_cents,
        idempotency_key=f"{payment.idempotency_key}:tax",
    )
    expected = payment.amount_cents + payment.fee_cents + found.tax_cents
    if (found.livemode, found.currency, found.total_cents) != (settings.STRIPE_LIVEMODE, "usd", expected):
        raise ValueError(f"the tax calculation {found.id} does not fit")
    return auto_payment_fix(payment=payment, tax_cents=found.tax_cents, calculation_id=found.id)


def _refused(payment: Payment, error: StripeRefused) -> None:
    """A definite no, before there was a charge."""
    logger.warning("auto top-up %s: %s", payment.pk, error)
    if customer_gone(error):
        customer_forget(workspace_id=payment.workspace_id, customer_id=payment.customer_id)
    gone = error.param in ("payment_method", "customer") and error.code != "customer_tax_location_invalid"
    sentence = declined_sentence("payment_method_gone" if gone else error.code)
    _end(payment, PaymentStatus.FAILED, NO_ADDRESS if error.code == "customer_tax_location_invalid" else sentence)


def _end(payment: Payment, status: PaymentStatus, sentence: str) -> None:
    with transaction.atomic(durable=True):
        mine = Payment.objects.filter(
            Q(payment_intent_id__isnull=True), pk=payment.pk, status=PaymentStatus.OPEN, origin=PaymentOrigin.AUTO
        )
        if mine.update(status=status, error=sentence):
            auto_top_up_pause(payment=payment, reason=sentence)
    payment.refresh_from_db()


def taxes_file(*, limit: int = ROUND_MAX) -> int:
    """Report the tax of paid auto top-ups to Stripe; a hosted page does so by itself. How many were reported."""
    waiting = Payment.objects.filter(status=PaymentStatus.PAID, tax_transaction_id="").exclude(tax_calculation_id="")
    done = 0
    for payment in waiting.order_by("paid_at")[:limit]:
        try:
            found = client.tax_file(
                calculation_id=payment.tax_calculation_id,
                reference=str(payment.pk),
                idempotency_key=f"{payment.idempotency_key}:file",
            )
        except StripeDown as error:
            logger.warning("taxes are not reported: %s", error)
            break
        except (StripeError, PaymentRefused) as error:
            logger.error("ALERT payment %s: its tax could not be reported: %s", payment.pk, error)
            if isinstance(error, StripeRefused) and error.status in (401, 403):
                break
            found = "refused"
        done += Payment.objects.filter(pk=payment.pk).update(tax_transaction_id=found)
    return done
