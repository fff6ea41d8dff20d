"""What Stripe says of a session becomes a payment's state, and once, credit. Three ways lead here: the webhook's
event, the return page, the sweep. Each asks Stripe first, outside any transaction; the answer is applied inside one.
"""

import logging
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from billing import ledger
from billing.expiry import expiry_set
from billing.models import Payment, PaymentOrigin, PaymentStatus, TransferKind
from billing.models.ledger import House
from billing.papers.receipts import receipt_issue_soon
from billing.parts import NANOUSD_PER_CENT, Parts
from billing.reversals import house_parts
from billing.stripe import client
from billing.stripe.card import PaidBy
from billing.stripe.cards import card_keep
from billing.stripe.errors import PaymentRefused, StripeError
from billing.stripe.intent import Intent, intent_objection
from billing.stripe.notices import auto_top_up_pause, declined_sentence, payment_told
from billing.stripe.session import Session, objection
from billing.workspaces import closed_credit_alert

logger = logging.getLogger("xroute.billing")
ORDER = list(PaymentStatus)
PARKED = "This payment needs a look by the operator of this installation, who has been told."


def session_apply(session: Session) -> str:
    """Bring the payment of this session up to date, inside the caller's transaction.

    Answers why it needs a person, or "". Credits at most once, whoever comes how often in whatever order.
    """
    payment = _locked(session_id=session.id)
    if payment is None:
        return f"session {session.id} belongs to no payment of ours"
    status, reason = _session_status(session, payment.fee_cents)
    moved = _move(
        payment,
        status,
        reason,
        intent_id=session.intent_id,
        total_cents=session.total_cents,
        tax_cents=session.tax_cents,
        sentence=_sentence(status, session),
        paid_by=session.paid_by,
    )
    if moved and status == PaymentStatus.PAID and payment.save_card and session.card:
        card_keep(workspace_id=payment.workspace_id, customer_id=session.customer_id, card=session.card)
    return reason if moved or payment.status != PaymentStatus.PAID else ""


def intent_apply(intent: Intent) -> str:
    """The same for a charge to the saved card: its intent is all there is of it at Stripe."""
    payment = _locked(payment_intent_id=intent.id, origin=PaymentOrigin.AUTO)
    if payment is None:
        return f"intent {intent.id} belongs to no auto top-up of ours"
    status, reason = _intent_status(intent, payment)
    sentence = declined_sentence(intent.code) if status == PaymentStatus.FAILED else ""
    moved = _move(
        payment,
        status,
        reason,
        intent_id=intent.id,
        total_cents=intent.received_cents,
        tax_cents=payment.tax_cents,
        sentence=sentence,
        paid_by=intent.paid_by,
    )
    if moved and status in (PaymentStatus.FAILED, PaymentStatus.PARKED):
        auto_top_up_pause(payment=payment, reason=payment.error)
    return reason if moved or payment.status != PaymentStatus.PAID else ""


def _locked(**which: str) -> Payment | None:
    if not connection.in_atomic_block:
        raise RuntimeError("A payment changes inside a transaction only.")
    return Payment.objects.select_for_update().filter(**which).first()


def _move(
    payment: Payment,
    status: PaymentStatus,
    reason: str,
    *,
    intent_id: str,
    total_cents: int,
    tax_cents: int,
    sentence: str,
    paid_by: PaidBy | None,
) -> bool:
    """Whether this brought the payment on. What was asked of Stripe earlier may come later: then nothing changes."""
    before = PaymentStatus(payment.status)
    if before == PaymentStatus.PAID:
        return False
    if reason:
        transaction.on_commit(partial(logger.error, "ALERT payment %s: %s: %s", payment.pk, intent_id, reason))
    if status == PaymentStatus.PAID:
        _credit(payment, intent_id=intent_id, total_cents=total_cents, tax_cents=tax_cents)
    elif ORDER.index(status) > ORDER.index(before):
        payment.status, payment.error = status, PARKED if reason else sentence
        payment.payment_intent_id = intent_id or None
    else:
        return False
    if paid_by:
        payment.paid_by_brand, payment.paid_by_last4 = paid_by.brand, paid_by.last4
    payment.save()
    payment_told(payment=payment)
    return True


def _session_status(session: Session, fee_cents: int) -> tuple[PaymentStatus, str]:
    """The state a session is in, and why it needs a person."""
    if session.payment_status == "paid":
        reason = objection(session, livemode=settings.STRIPE_LIVEMODE, fee_cents=fee_cents)
        return (PaymentStatus.PARKED, reason) if reason else (PaymentStatus.PAID, "")
    if session.payment_status != "unpaid":
        return PaymentStatus.PARKED, f"its payment_status is {session.payment_status!r}"
    if session.status == "expired":
        return PaymentStatus.EXPIRED, ""
    if session.status == "complete":
        failed = session.intent_status in ("requires_payment_method", "canceled")
        return PaymentStatus.FAILED if failed else PaymentStatus.PROCESSING, ""
    return PaymentStatus.OPEN, ""


def _intent_status(intent: Intent, payment: Payment) -> tuple[PaymentStatus, str]:
    """The same of an intent that was confirmed while nobody was there: what would need somebody has failed."""
    if intent.status == "succeeded":
        reason = intent_objection(
            intent,
            livemode=settings.STRIPE_LIVEMODE,
            customer_id=payment.customer_id,
            total_cents=payment.total_cents,
        )
        return (PaymentStatus.PARKED, reason) if reason else (PaymentStatus.PAID, "")
    if intent.livemode != settings.STRIPE_LIVEMODE:
        return PaymentStatus.PARKED, f"livemode is {intent.livemode}, ours is {settings.STRIPE_LIVEMODE}"
    if intent.status == "processing":
        return PaymentStatus.PROCESSING, ""
    if intent.status in ("requires_payment_method", "requires_action", "requires_confirmation", "canceled"):
        return PaymentStatus.FAILED, ""
    return PaymentStatus.PARKED, f"its status is {intent.status!r}"


def _sentence(status: PaymentStatus, session: Session) -> str:
    if status == PaymentStatus.FAILED:
        why = f" ({session.decline_code})" if session.decline_code else ""
        return f"The bank did not pay{why}. Nothing was credited."
    return "The payment page was left unpaid until it expired." if status == PaymentStatus.EXPIRED else ""


def _credit(payment: Payment, *, intent_id: str, total_cents: int, tax_cents: int) -> None:
    """Credit, fee and tax: together what Stripe says was paid. The fee is ours and known, the tax is Stripe's."""
    credited = (total_cents - tax_cents - payment.fee_cents) * NANOUSD_PER_CENT
    if credited != payment.amount_nanousd:
        logger.error("ALERT payment %s: %s nano-USD were paid, not %s", payment.pk, credited, payment.amount_nanousd)
    key, reference = f"stripe:{intent_id}", f"payment:{payment.pk}"
    credited_now = ledger.credit_add(
        account_id=ledger.account_ensure(workspace_id=payment.workspace_id),
        source=House.STRIPE_CLEARING,
        amount_nanousd=credited,
        kind=TransferKind.TOP_UP,
        idempotency_key=key,
        reference=reference,
    )
    if not credited_now:
        raise RuntimeError(f"payment {payment.pk}: {intent_id} was credited before, and not to it")
    expiry_set(idempotency_key=key, days=settings.XROUTE_CREDIT_DAYS)
    ours = Parts(fee=payment.fee_cents * NANOUSD_PER_CENT, tax=tax_cents * NANOUSD_PER_CENT)
    for target, amount_nanousd, kind, suffix in house_parts(ours):
        if not ledger.house_move(
            source=House.STRIPE_CLEARING,
            target=target,
            amount_nanousd=amount_nanousd,
            kind=kind,
            idempotency_key=f"{key}:{suffix}",
            reference=reference,
        ):
            raise RuntimeError(f"payment {payment.pk}: the {suffix} of {intent_id} was booked before")
    closed_credit_alert(workspace_id=payment.workspace_id, what=f"payment {payment.pk} came after it was closed")
    payment.status, payment.error, payment.credited_nanousd = PaymentStatus.PAID, "", credited
    payment.tax_cents, payment.total_cents = tax_cents, total_cents
    payment.payment_intent_id = intent_id
    payment.paid_at = Now()
    receipt_issue_soon(payment=payment)


def payment_check(*, payment: Payment) -> Payment:
    """Ask Stripe, and apply what it says. Raises StripeError."""
    if payment.session_id:
        session = client.session_retrieve(payment.session_id)
        with transaction.atomic(durable=True):
            session_apply(session)
    elif payment.origin == PaymentOrigin.AUTO and payment.payment_intent_id:
        intent = client.intent_retrieve(payment.payment_intent_id)
        with transaction.atomic(durable=True):
            intent_apply(intent)
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
