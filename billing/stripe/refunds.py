"""Refunds. One of ours is debited first, then asked for at Stripe; a definite no gives it back, and silence leaves it
asked: the sweep repeats it under the same idempotency key. One made at Stripe is applied as Stripe tells it.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from billing import ledger
from billing.models import CreditAccount, Payment, PaymentStatus, Refund, RefundOrigin, RefundStatus, TransferKind
from billing.models.ledger import House
from billing.moves import account_of_payments
from billing.papers.credit_notes import credit_note_issue, credit_note_undone, credit_notes_lock
from billing.parts import NANOUSD_PER_CENT, Parts, parts_of
from billing.refundable import payment_refundable, payment_taken, payment_whole
from billing.reversals import disputes_fit, parts_give, parts_take, payment_lock
from billing.stripe import client
from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused
from billing.stripe.owned import payment_of
from billing.stripe.reversal import StripeRefund
from billing.workspaces import closed_credit_alert
from xroute.lib.money import cents_words

logger = logging.getLogger("xroute.billing")
ORDER = list(RefundStatus)
STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
REASON_MAX = 500


def refund_start(
    *,
    payment: Payment,
    amount_cents: int,
    reason: str,
    user: User | None,
    origin: RefundOrigin = RefundOrigin.OPERATOR,
    refund_id: UUID | None = None,
) -> Refund:
    """Refund part of a paid payment: its fee and tax go back in proportion. How it stands is in the row's `status`.

    With `refund_id` once, however often it is asked for. Raises PaymentRefused with the reason; then nothing has moved.
    """
    if not client.payments_enabled():
        raise PaymentRefused("Payments are switched off here, so Stripe cannot be asked for a refund.")
    with transaction.atomic(durable=True):
        refund = refund_debit(payment, amount_cents, reason.strip()[:REASON_MAX], user, origin, refund_id)
    return refund if refund.status != RefundStatus.ASKED else refund_ask(refund=refund)


def refund_debit(
    payment: Payment,
    amount_cents: int,
    reason: str,
    user: User | None,
    origin: RefundOrigin,
    refund_id: UUID | None = None,
) -> Refund:
    """The row of a refund and what it takes, in the caller's transaction; refund_ask comes after it is committed."""
    payment = payment_lock(payment.pk)
    if refund_id and (made := payment.refunds.filter(pk=refund_id).first()):
        return made
    if payment.status != PaymentStatus.PAID:
        raise PaymentRefused("Only a payment that is paid can be refunded.")
    if not reason:
        raise PaymentRefused("Say why it is refunded.")
    account_id = account_of_payments(workspace_id=payment.workspace_id)
    CreditAccount.objects.select_for_update(no_key=True).get(pk=account_id)  # usage waits until this is decided
    found = payment_refundable(payment)
    if not 0 < amount_cents <= found.cents:
        raise PaymentRefused(f"At most {cents_words(found.cents)} of this payment can be refunded. {found.why}")
    parts = parts_of(whole=found.whole, taken=found.taken, gross=amount_cents * NANOUSD_PER_CENT)
    named = {"id": refund_id} if refund_id else {}
    refund = _create(payment, origin, RefundStatus.ASKED, amount_cents, parts, reason=reason, created_by=user, **named)
    try:
        _take(refund, account_id, parts, guarded=True)
    except ledger.InsufficientCredits:
        raise PaymentRefused("The credit was spent meanwhile. Look at the payment again.") from None
    return refund


def refund_ask(*, refund: Refund) -> Refund:
    """Ask Stripe for a refund of ours, and apply the answer. Safe to repeat, at once or later."""
    try:
        found = client.refund_create(
            intent_id=str(refund.payment.payment_intent_id),
            amount_cents=refund.amount_cents,
            refund_id=refund.pk,
            payment_id=refund.payment_id,
            idempotency_key=f"refund:{refund.pk}",
        )
    except (StripeDown, ValueError) as error:
        logger.warning("refund %s is not answered yet: %s", refund.pk, error)
    except StripeRefused as error:
        logger.error("ALERT refund %s: %s", refund.pk, error)
        if error.status not in (401, 403):  # that is our key, and says nothing about what was asked before
            with transaction.atomic(durable=True):
                _refused(refund, str(error))
    else:
        with transaction.atomic(durable=True):
            if reason := refund_apply(found, refund.payment_id):
                logger.error("ALERT refund %s: %s", refund.pk, reason)
    refund.refresh_from_db()
    return refund


def _refused(refund: Refund, error: str) -> None:
    payment = payment_lock(refund.payment_id)
    refund = Refund.objects.select_for_update().get(pk=refund.pk)
    if refund.status == RefundStatus.ASKED and not refund.stripe_id:  # else Stripe has told of it meanwhile
        _fail(payment, refund, error)


def refund_changed(payload: Mapping[str, Any]) -> "partial[str]":
    """A refund was made, or became something else; the event's object is the refund."""
    found = client.refund_retrieve(str(payload["data"]["object"]["id"]))
    payment = payment_of(found.paid, what=f"refund {found.id}", currency=found.currency)
    return partial(refund_apply, found, payment.pk)


def charge_refunded(payload: Mapping[str, Any]) -> "partial[str]":
    """Something of a charge was refunded: whatever there is."""
    found = client.refunds_list(charge_id=str(payload["data"]["object"]["id"]))
    if not found:
        raise RuntimeError("the charge has no refund yet")
    payment = payment_of(found[0].paid, what=f"refund {found[0].id}", currency=found[0].currency)
    return partial(refunds_apply, found, payment.pk)


def refunds_apply(found: list[StripeRefund], payment_id: UUID) -> str:
    """Each of them, oldest first; why any needs a person, or ""."""
    return "; ".join(filter(None, [refund_apply(one, payment_id) for one in reversed(found)]))


def refund_apply(found: StripeRefund, payment_id: UUID) -> str:
    """Bring a refund up to date, inside the caller's transaction; why it needs a person, or "".

    A status never goes back, so an older answer that is applied late changes nothing.
    """
    credit_notes_lock()
    payment = payment_lock(payment_id)
    status = STATUSES.get(found.status)
    if status is None:
        return f"refund {found.id} has the unknown status {found.status!r}"
    refund = _row(payment, found)
    if refund is None:
        return _appear(payment, found, status)
    if refund.amount_cents != found.amount_cents or refund.payment_id != payment.pk:
        return f"refund {found.id} of {found.amount_cents} cents is not row {refund.pk} of {refund.amount_cents}"
    refund.stripe_id = found.id
    if ORDER.index(status) > ORDER.index(RefundStatus(refund.status)):
        if status == RefundStatus.FAILED:
            _fail(payment, refund, f"Stripe could not pay it back ({found.failure or found.status}).")
            return ""
        refund.status, refund.error = status, ""
        refund.ended_at = Now() if status == RefundStatus.SUCCEEDED else None
    refund.save(update_fields=["stripe_id", "status", "error", "ended_at"])
    if refund.status == RefundStatus.SUCCEEDED:
        credit_note_issue(refund=refund)
    return ""


def _row(payment: Payment, found: StripeRefund) -> Refund | None:
    """Our row of it. One of ours that has no answer yet is known by the id in its metadata."""
    if row := Refund.objects.select_for_update().filter(stripe_id=found.id).first():
        return row
    try:
        named = UUID(found.refund)
    except ValueError:
        return None
    rows = payment.refunds.select_for_update().filter(stripe_id__isnull=True, amount_cents=found.amount_cents)
    return rows.exclude(status=RefundStatus.FAILED).filter(pk=named).first()


def _appear(payment: Payment, found: StripeRefund, status: RefundStatus) -> str:
    """A refund that was made at Stripe: taken whatever the balance is, as the money has left already."""
    gross = found.amount_cents * NANOUSD_PER_CENT
    if status == RefundStatus.FAILED:
        _create(
            payment, RefundOrigin.STRIPE, status, found.amount_cents, Parts(gross), stripe_id=found.id, ended_at=Now()
        )
        return ""
    whole, standing = payment_whole(payment), payment.refunds.exclude(status=RefundStatus.FAILED)
    if sum(standing.values_list("amount_cents", flat=True)) * NANOUSD_PER_CENT + gross > whole.gross:
        return f"refund {found.id} of {found.amount_cents} cents is more than is left of payment {payment.pk}"
    disputes_fit(payment, keep_free=gross)
    parts = parts_of(whole=whole, taken=payment_taken(payment), gross=gross)
    ended = Now() if status == RefundStatus.SUCCEEDED else None
    refund = _create(
        payment, RefundOrigin.STRIPE, status, found.amount_cents, parts, stripe_id=found.id, ended_at=ended
    )
    _take(refund, account_of_payments(workspace_id=payment.workspace_id), parts)
    if status == RefundStatus.SUCCEEDED:
        credit_note_issue(refund=refund)
    return ""


def _create(
    payment: Payment, origin: RefundOrigin, status: RefundStatus, amount_cents: int, parts: Parts, **more: Any
) -> Refund:
    return Refund.objects.create(
        payment=payment,
        origin=origin,
        status=status,
        amount_cents=amount_cents,
        credit_nanousd=parts.credit,
        fee_nanousd=parts.fee,
        tax_nanousd=parts.tax,
        **more,
    )


def _take(refund: Refund, account_id: int, parts: Parts, *, guarded: bool = False) -> None:
    parts_take(
        account_id=account_id,
        target=House.REFUNDS,
        parts=parts,
        kind=TransferKind.REFUND,
        key=f"refund:{refund.pk}",
        reference=f"refund:{refund.pk}",
        guarded=guarded,
    )


def _fail(payment: Payment, refund: Refund, error: str) -> None:
    """What was taken for it comes back; a dispute may hold that part of the payment now."""
    parts_give(
        account_id=account_of_payments(workspace_id=payment.workspace_id),
        source=House.REFUNDS,
        parts=Parts(refund.credit_nanousd, refund.fee_nanousd, refund.tax_nanousd),
        kind=TransferKind.REFUND,
        key=f"refund:{refund.pk}",
        reference=f"refund:{refund.pk}",
        suffix=":back",
    )
    closed_credit_alert(workspace_id=payment.workspace_id, what=f"refund {refund.pk} failed after it was closed")
    refund.status, refund.error, refund.ended_at = RefundStatus.FAILED, error[:500], Now()
    refund.save(update_fields=["stripe_id", "status", "error", "ended_at"])
    disputes_fit(payment)
    credit_note_undone(refund=refund)
