"""A line of Stripe's balance as Stripe tells it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """Amounts in cents of `currency`. `intent_id` and `payment_hint` are of the charge, refund or dispute behind it."""

    id: str
    type: str
    source: str
    currency: str
    amount_cents: int
    fee_cents: int
    net_cents: int
    created_at: datetime
    intent_id: str
    payment_hint: str


def line_parse(found: Mapping[str, Any]) -> Line:
    """From a balance transaction with its source expanded. Raises ValueError where it is odd."""
    source = found.get("source") or {}
    if isinstance(source, str):
        source = {"id": source}
    intent = source.get("payment_intent") or ""
    try:
        amount, fee, net = (_whole(found[name]) for name in ("amount", "fee", "net"))
        line = Line(
            id=str(found["id"]),
            type=str(found["type"])[:60],
            source=str(source.get("id") or ""),
            currency=str(found["currency"]).lower(),
            amount_cents=amount,
            fee_cents=fee,
            net_cents=net,
            created_at=datetime.fromtimestamp(_whole(found["created"]), UTC),
            intent_id=str(intent.get("id") if isinstance(intent, dict) else intent),
            payment_hint=str((source.get("metadata") or {}).get("payment") or ""),
        )
    except KeyError as error:
        raise ValueError(f"the line has no {error}") from None
    if line.amount_cents - line.fee_cents != line.net_cents:
        raise ValueError(f"line {line.id}: {amount} less {fee} is not {net} cents")
    return line


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")
    return value
