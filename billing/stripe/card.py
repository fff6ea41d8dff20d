"""A card as Stripe tells it, and what paid. Of what it tells, brand, last four digits and expiry are kept, and nothing
else. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Card:
    """A payment method of type card. `customer_id` is empty where it is attached to nobody; `expires` as 09/2031."""

    id: str
    livemode: bool
    customer_id: str
    brand: str
    last4: str
    expires: str


def card_parse(found: Any) -> Card | None:
    """From a payment method's object; None where it is no card, or not an object at all (it was not expanded)."""
    if not isinstance(found, Mapping) or found.get("type") != "card":
        return None
    card, customer = found.get("card") or {}, found.get("customer") or ""
    month, year = card.get("exp_month"), card.get("exp_year")
    return Card(
        id=str(found.get("id") or ""),
        livemode=found.get("livemode") is True,
        customer_id=str(customer["id"] if isinstance(customer, Mapping) else customer),
        brand=str(card.get("brand") or "card")[:30],
        last4=str(card.get("last4") or "")[-4:],
        expires=f"{month:02d}/{year}" if isinstance(month, int) and isinstance(year, int) else "",
    )


@dataclass(frozen=True, slots=True)
class PaidBy:
    """What paid: `brand` is a card's, as Stripe writes it (visa), or BANK for a debit from an account."""

    brand: str
    last4: str


BANK = "bank"
DEBITS = ("us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "acss_debit", "nz_bank_account")


def paid_by_parse(found: Any) -> PaidBy | None:
    """From a payment method's object; None where it has no number to tell it by, or is not an object at all."""
    if card := card_parse(found):
        return PaidBy(card.brand, card.last4) if card.last4 else None
    if not isinstance(found, Mapping) or found.get("type") not in DEBITS:
        return None
    last4 = str((found.get(found["type"]) or {}).get("last4") or "")[-4:]
    return PaidBy(BANK, last4) if last4 else None
