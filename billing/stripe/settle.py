"""What Stripe says of a session becomes a payment's state, and once, credit. Three ways lead here: the webhook's
event, the return page, the sweep. Each asks Stripe first, outside any transaction; the answer is applied inside one.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from billing import ledger
from billing.expiry import expiry_set
from billing.models import Payment, PaymentStatus, TransferKind
from billing.models.ledger import House
from billing.models.payments import NANOUSD_PER_CENT
from billing.papers.receipts import receipt_issue_soon
from billing.stripe import client
from billing.stripe.errors import PaymentRefused, StripeError
from billing.stripe.session import Session, objection

logger = logging.getLogger("xroute.billing")
ORDER = list(PaymentStatus)
PARKED = "This payment needs a look by the operator of this installation, who has been told."


def session_apply(session: Session) -> str:
    """Bring the payment of this session up to date, inside the caller's transaction.

    Answers why it needs a person, or "". Credits at most once, whoever comes how often in whatever order.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A payment changes inside a transaction only.")
    payment = Payment.objects.select_for_update().filter(session_id=session.id).first()
    if payment is None:
        return f"session {session.id} belongs to no payment of ours"
    if payment.status == PaymentStatus.PAID:
        return ""
    status, reason = _status(session)
    if status == PaymentStatus.PAID:
        _credit(payment, session)
        payment.save()
    elif ORDER.index(status) > ORDER.index(PaymentStatus(payment.status)):  # what was asked earlier may come later
        payment.status, payment.error = status, PARKED if reason else _sentence(status, session)
        payment.payment_intent_id = session.intent_id or None
        payment.save()
    if reason:
        transaction.on_commit(lambda: logger.error("ALERT payment %s: session %s: %s", payment.pk, session.id, reason))
    return reason


def _status(session: Session) -> tuple[PaymentStatus, str]:
    """The state a session is in, and why it needs a person."""
    if session.payment_status == "paid":
        reason = objection(session, livemode=settings.STRIPE_LIVEMODE)
        return (PaymentStatus.PARKED, reason) if reason else (PaymentStatus.PAID, "")
    if session.payment_status != "unpaid":
        return PaymentStatus.PARKED, f"its payment_status is {session.payment_status!r}"
    if session.status == "expired":
        return PaymentStatus.EXPIRED, ""
    if session.status == "complete":
        failed = session.intent_status in ("requires_payment_method", "canceled")
        return PaymentStatus.FAILED if failed else PaymentStatus.PROCESSING, ""
    return PaymentStatus.OPEN, ""


def _sentence(status: PaymentStatus, session: Session) -> str:
    if status == PaymentStatus.FAILED:
        why = f" ({session.decline_code})" if session.decline_code else ""
        return f"The bank did not pay{why}. Nothing was credited."
    return "The payment page was left unpaid until it expired." if status == PaymentStatus.EXPIRED else ""


def _credit(payment: Payment, session: Session) -> None:
    """The subtotal, as Stripe says it was paid."""
    credited = session.subtotal_cents * NANOUSD_PER_CENT
    if credited != payment.amount_nanousd:
        logger.error("ALERT payment %s: %s nano-USD were paid, not %s", payment.pk, credited, payment.amount_nanousd)
    credited_now = ledger.credit_add(
        account_id=ledger.account_ensure(workspace_id=payment.workspace_id),
        source=House.STRIPE_CLEARING,
        amount_nanousd=credited,
        kind=TransferKind.TOP_UP,
        idempotency_key=f"stripe:{session.intent_id}",
        reference=f"payment:{payment.pk}",
    )
    if not credited_now:
        raise RuntimeError(f"payment {payment.pk}: {session.intent_id} was credited before, and not to it")
    expiry_set(idempotency_key=f"stripe:{session.intent_id}", days=settings.XROUTE_CREDIT_DAYS)
    payment.status, payment.error, payment.credited_nanousd = PaymentStatus.PAID, "", credited
    payment.payment_intent_id = session.intent_id
    payment.paid_at = Now()
    receipt_issue_soon(payment=payment)


def payment_check(*, payment: Payment) -> Payment:
    """Ask Stripe, and apply what it says. Raises StripeError."""
    if payment.session_id:
        session = client.session_retrieve(payment.session_id)
        with transaction.atomic(durable=True):
            session_apply(session)
    payment.refresh_from_db()
    return payment


def payment_refresh(*, payment: Payment) -> Payment:
    """For the return page: the truth as far as it can be had now. Asks Stripe at most every STRIPE_REFRESH_S."""
    due = Q(checked_at__lte=Now() - timedelta(seconds=settings.STRIPE_REFRESH_S))
    waiting = Payment.objects.filter(due, pk=payment.pk, status__in=(PaymentStatus.OPEN, PaymentStatus.PROCESSING))
    if not waiting.update(checked_at=Now()):
        payment.refresh_from_db()
        return payment
    try:
        return payment_check(payment=payment)
    except (StripeError, PaymentRefused, ValueError) as error:
        logger.warning("payment %s could not be refreshed: %s", payment.pk, error)
        payment.refresh_from_db()
        return payment
