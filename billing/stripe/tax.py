"""A tax calculation as Stripe itself tells it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.stripe.session import cents


@dataclass(frozen=True, slots=True)
class TaxCalculation:
    """What is to be paid in all, and how much of it is tax that comes on top; cents of `currency`."""

    id: str
    livemode: bool
    currency: str
    total_cents: int
    tax_cents: int


def calculation_parse(found: Mapping[str, Any]) -> TaxCalculation:
    """From the object that the API answered. Raises ValueError where it is odd."""
    try:
        return TaxCalculation(
            id=str(found["id"]),
            livemode=found["livemode"] is True,
            currency=str(found["currency"]),
            total_cents=cents(found["amount_total"]),
            tax_cents=cents(found["tax_amount_exclusive"]),
        )
    except KeyError as error:
        raise ValueError(f"the calculation has no {error}") from None
