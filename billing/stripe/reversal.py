"""Refunds and disputes as Stripe itself tells them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Paid:
    """What was reversed. `intent_id` empty: not by a payment intent. `payment` is ours that its metadata names."""

    intent_id: str
    payment: str

    @property
    def payment_id(self) -> UUID | None:
        try:
            return UUID(self.payment)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class StripeRefund:
    """`refund` is the row of ours that its metadata names, if any."""

    id: str
    status: str
    amount_cents: int
    currency: str
    failure: str
    refund: str
    paid: Paid


@dataclass(frozen=True, slots=True)
class StripeDispute:
    """`asked_at` is from before Stripe was asked: of two answers, the one asked for later is newer."""

    id: str
    status: str
    amount_cents: int
    currency: str
    reason: str
    livemode: bool
    evidence_due_at: datetime | None
    paid: Paid
    asked_at: datetime


def refund_parse(found: Mapping[str, Any]) -> StripeRefund:
    """From the object that the API answered, with its payment intent expanded. Raises ValueError where it is odd."""
    try:
        return StripeRefund(
            id=str(found["id"]),
            status=str(found["status"]),
            amount_cents=_cents(found["amount"]),
            currency=str(found["currency"]),
            failure=str(found.get("failure_reason") or "")[:60],
            refund=str((found.get("metadata") or {}).get("refund") or ""),
            paid=_paid(found),
        )
    except KeyError as error:
        raise ValueError(f"the refund has no {error}") from None


def dispute_parse(found: Mapping[str, Any], *, asked_at: datetime) -> StripeDispute:
    """As refund_parse."""
    due = (found.get("evidence_details") or {}).get("due_by")
    try:
        return StripeDispute(
            id=str(found["id"]),
            status=str(found["status"])[:40],
            amount_cents=_cents(found["amount"]),
            currency=str(found["currency"]),
            reason=str(found.get("reason") or "")[:60],
            livemode=found["livemode"] is True,
            evidence_due_at=datetime.fromtimestamp(due, UTC) if isinstance(due, int) and due > 0 else None,
            paid=_paid(found),
            asked_at=asked_at,
        )
    except KeyError as error:
        raise ValueError(f"the dispute has no {error}") from None


def _paid(found: Mapping[str, Any]) -> Paid:
    intent = found.get("payment_intent") or {}
    if isinstance(intent, str):
        intent = {"id": intent}
    return Paid(str(intent.get("id") or ""), str((intent.get("metadata") or {}).get("payment") or ""))


def _cents(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{value!r} is not an amount in cents")
    return value
