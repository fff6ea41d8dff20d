"""The ledger's side of refunds and disputes: credit, our fee and tax of a payment go back together, or come again.

Everything here runs inside the caller's transaction, which has locked the payment's row before.
"""

from uuid import UUID

from django.db import connection

from billing import ledger
from billing.models import Dispute, Payment, TransferKind
from billing.models.ledger import House
from billing.moves import account_of_payments
from billing.parts import NANOUSD_PER_CENT, Parts, parts_of
from billing.refundable import payment_taken, payment_whole

TAKING = frozenset({"needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review"})


def payment_lock(payment_id: UUID) -> Payment:
    """The payment, locked: before its refunds, its disputes and any account. Inside a transaction only."""
    if not connection.in_atomic_block:
        raise RuntimeError("Money goes back inside a transaction only.")
    return Payment.objects.select_for_update().get(pk=payment_id)


def parts_take(
    *, account_id: int, target: House, parts: Parts, kind: TransferKind, key: str, reference: str, guarded: bool = False
) -> None:
    """Move them to a house account. `guarded`: raises InsufficientCredits where the credit is not available."""
    if parts.credit:
        (ledger.credit_take if guarded else ledger.credit_reverse)(
            account_id=account_id,
            target=target,
            amount_nanousd=parts.credit,
            kind=kind,
            idempotency_key=f"{key}:credit",
            reference=reference,
        )
    for source, amount, part, name in house_parts(parts):
        ledger.house_move(
            source=source,
            target=target,
            amount_nanousd=amount,
            kind=part,
            idempotency_key=f"{key}:{name}",
            reference=reference,
        )


def parts_give(
    *, account_id: int, source: House, parts: Parts, kind: TransferKind, key: str, reference: str, suffix: str = ""
) -> None:
    """Move them back again."""
    if parts.credit:
        ledger.credit_add(
            account_id=account_id,
            source=source,
            amount_nanousd=parts.credit,
            kind=kind,
            idempotency_key=f"{key}:credit{suffix}",
            reference=reference,
        )
    for target, amount, part, name in house_parts(parts):
        ledger.house_move(
            source=source,
            target=target,
            amount_nanousd=amount,
            kind=part,
            idempotency_key=f"{key}:{name}{suffix}",
            reference=reference,
        )


def house_parts(parts: Parts) -> list[tuple[House, int, TransferKind, str]]:
    """Of fee and tax, where there is any: whose it is, how much, as what, and its part of the idempotency key."""
    found = [
        (House.REVENUE, parts.fee, TransferKind.TOP_UP_FEE, "fee"),
        (House.TAX_PAYABLE, parts.tax, TransferKind.TAX, "tax"),
    ]
    return [part for part in found if part[1]]


def disputes_fit(payment: Payment, *, keep_free: int = 0) -> None:
    """Let the payment's disputes hold what they should, by delta; refunds and `keep_free` nano-USD come first.

    Together never more than the payment: what Stripe takes beyond that, the house bears.
    """
    whole = payment_whole(payment)
    for dispute in payment.disputes.order_by("created_at", "id"):
        others = payment_taken(payment, except_dispute=dispute.pk)
        wanted = dispute.amount_cents * NANOUSD_PER_CENT if dispute.status in TAKING else 0
        gross = max(0, min(wanted, whole.gross - others.gross - keep_free))
        held = Parts(dispute.held_credit_nanousd, dispute.held_fee_nanousd, dispute.held_tax_nanousd)
        if gross != held.gross:
            _hold(payment, dispute, held, parts_of(whole=whole, taken=others, gross=gross))


def _hold(payment: Payment, dispute: Dispute, held: Parts, target: Parts) -> None:
    """Take or give the difference, each part by itself, under the dispute's next number."""
    dispute.moves += 1
    more = Parts(*(max(0, new - old) for new, old in _pairs(target, held)))
    less = Parts(*(max(0, old - new) for new, old in _pairs(target, held)))
    account_id = account_of_payments(workspace_id=payment.workspace_id)
    key, reference = f"dispute:{dispute.pk}:{dispute.moves}", f"dispute:{dispute.pk}"
    kind, house = TransferKind.DISPUTE, House.DISPUTES
    parts_take(account_id=account_id, target=house, parts=more, kind=kind, key=key, reference=reference)
    parts_give(account_id=account_id, source=house, parts=less, kind=kind, key=key, reference=reference)
    dispute.held_credit_nanousd, dispute.held_fee_nanousd = target.credit, target.fee
    dispute.held_tax_nanousd = target.tax
    dispute.save(update_fields=["moves", "held_credit_nanousd", "held_fee_nanousd", "held_tax_nanousd"])


def _pairs(one: Parts, other: Parts) -> tuple[tuple[int, int], ...]:
    return (one.credit, other.credit), (one.fee, other.fee), (one.tax, other.tax)
