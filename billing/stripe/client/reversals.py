"""Refunds and disputes."""

from datetime import datetime
from uuid import UUID

from stripe.params import (
    RefundCreateParams,
    RefundListParams,
)

from billing.stripe.client.calling import calling
from billing.stripe.reversal import StripeDispute, StripeRefund, dispute_parse, refund_parse


def refund_create(
    *, intent_id: str, amount_cents: int, refund_id: UUID, payment_id: UUID, idempotency_key: str
) -> StripeRefund:
    """Ask for a refund of part of a payment, and answer how it stands."""
    params: RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount_cents,
        "metadata": {"refund": str(refund_id), "payment": str(payment_id)},
        "expand": ["payment_intent"],
    }
    with calling() as client:
        made = client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
    return refund_parse(made.to_dict())


def refund_retrieve(refund_id: str) -> StripeRefund:
    """The refund as it is now."""
    with calling() as client:
        found = client.v1.refunds.retrieve(refund_id, {"expand": ["payment_intent"]})
    return refund_parse(found.to_dict())


def refunds_list(*, charge_id: str = "", intent_id: str = "") -> list[StripeRefund]:
    """All refunds of a charge or of a payment intent, newest first."""
    with calling() as client:
        which: RefundListParams = {"charge": charge_id} if charge_id else {"payment_intent": intent_id}
        page = client.v1.refunds.list(which | {"limit": 100, "expand": ["data.payment_intent"]})
        return [refund_parse(found.to_dict()) for found in page.auto_paging_iter()]


def dispute_retrieve(dispute_id: str, *, asked_at: datetime) -> StripeDispute:
    """The dispute as it is now; `asked_at` is from before."""
    with calling() as client:
        found = client.v1.disputes.retrieve(dispute_id, {"expand": ["payment_intent"]})
    return dispute_parse(found.to_dict(), asked_at=asked_at)
