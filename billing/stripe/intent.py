"""A payment intent as Stripe itself tells it: of a charge to the saved card, the only source of what was paid. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.stripe.card import PaidBy, paid_by_parse
from billing.stripe.session import cents


@dataclass(frozen=True, slots=True)
class Intent:
    """`code` says why it was not paid: the bank's decline code, else Stripe's own; empty where nothing went wrong."""

    id: str
    livemode: bool
    status: str
    currency: str
    customer_id: str
    amount_cents: int
    received_cents: int
    code: str
    payment: str
    """What its metadata says of our payment: a hint where to look, never a reason to credit."""
    paid_by: PaidBy | None = None


def intent_parse(found: Mapping[str, Any]) -> Intent:
    """From the object that the API answered, with the payment method expanded. Raises ValueError where it is odd."""
    failure, customer = found.get("last_payment_error") or {}, found.get("customer") or ""
    code = str(failure.get("code") or "")
    try:
        return Intent(
            id=str(found["id"]),
            livemode=found["livemode"] is True,
            status=str(found["status"]),
            currency=str(found["currency"] or ""),
            customer_id=str(customer["id"] if isinstance(customer, Mapping) else customer),
            amount_cents=cents(found["amount"]),
            received_cents=cents(found["amount_received"]),
            code=(code if code == "authentication_required" else str(failure.get("decline_code") or code))[:60],
            payment=str((found.get("metadata") or {}).get("payment") or ""),
            paid_by=paid_by_parse(found.get("payment_method")),
        )
    except KeyError as error:
        raise ValueError(f"the intent has no {error}") from None


def intent_objection(intent: Intent, *, livemode: bool, customer_id: str, total_cents: int | None) -> str:
    """Why a succeeded intent cannot become credit; empty where it can."""
    if intent.livemode != livemode:
        return f"livemode is {intent.livemode}, ours is {livemode}"
    if intent.currency != "usd":
        return f"it was paid in {intent.currency!r}, not in 'usd'"
    if intent.customer_id != customer_id:
        return f"it was paid by {intent.customer_id!r}, not by {customer_id!r}"
    if intent.received_cents != total_cents or intent.amount_cents != total_cents:
        return f"{intent.received_cents} of {intent.amount_cents} cents were paid, not {total_cents}"
    return ""
