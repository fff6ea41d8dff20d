"""A checkout session as Stripe itself tells it: the only source of what was paid. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.stripe.card import Card, PaidBy, card_parse, paid_by_parse


@dataclass(frozen=True, slots=True)
class Session:
    """Amounts in cents of `currency`. `intent_*` are empty until a payment was tried."""

    id: str
    livemode: bool
    mode: str
    status: str
    payment_status: str
    currency: str
    subtotal_cents: int
    total_cents: int
    tax_cents: int
    intent_id: str
    intent_status: str
    decline_code: str
    customer_id: str = ""
    card: Card | None = None
    paid_by: PaidBy | None = None


def session_parse(found: Mapping[str, Any]) -> Session:
    """From the object that the API answered, with the intent and its payment method expanded. Raises ValueError."""
    intent = found.get("payment_intent") or {}
    if isinstance(intent, str):
        intent = {"id": intent}
    failure, customer = intent.get("last_payment_error") or {}, found.get("customer") or ""
    try:
        return Session(
            id=str(found["id"]),
            livemode=found["livemode"] is True,
            mode=str(found["mode"]),
            status=str(found["status"]),
            payment_status=str(found["payment_status"]),
            currency=str(found["currency"] or ""),
            subtotal_cents=cents(found["amount_subtotal"]),
            total_cents=cents(found["amount_total"]),
            tax_cents=cents((found.get("total_details") or {}).get("amount_tax")),
            intent_id=str(intent.get("id") or ""),
            intent_status=str(intent.get("status") or ""),
            decline_code=str(failure.get("decline_code") or failure.get("code") or "")[:60],
            customer_id=str(customer["id"] if isinstance(customer, Mapping) else customer),
            card=card_parse(intent.get("payment_method")),
            paid_by=paid_by_parse(intent.get("payment_method")),
        )
    except KeyError as error:
        raise ValueError(f"the session has no {error}") from None


def cents(value: Any) -> int:
    """An amount as Stripe writes it; nothing is 0. Raises ValueError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not an amount in cents")
    return value


def objection(session: Session, *, livemode: bool, fee_cents: int = 0) -> str:
    """Why a paid session cannot become credit; empty where it can."""
    if session.livemode != livemode:
        return f"livemode is {session.livemode}, ours is {livemode}"
    if session.mode != "payment":
        return f"its mode is {session.mode!r}, not 'payment'"
    if session.currency != "usd":
        return f"it was paid in {session.currency!r}, not in 'usd'"
    if not session.intent_id:
        return "it has no payment intent"
    if session.subtotal_cents <= 0 or session.total_cents - session.tax_cents != session.subtotal_cents:
        return (
            f"its total of {session.total_cents} less tax of {session.tax_cents} is not its subtotal of "
            f"{session.subtotal_cents} cents"
        )
    if session.subtotal_cents <= fee_cents:
        return f"its subtotal of {session.subtotal_cents} is not more than our fee of {fee_cents} cents"
    return ""
