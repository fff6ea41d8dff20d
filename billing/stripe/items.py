"""What is sold, as Stripe wants it written: the credit, and our fee. Tax comes on top where Stripe reckons it."""

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParamsLineItem
    from stripe.params.tax import CalculationCreateParamsLineItem


def session_item(name: str, amount_cents: int) -> "SessionCreateParamsLineItem":
    """A line of the hosted page."""
    item: SessionCreateParamsLineItem = {
        "quantity": 1,
        "price_data": {"currency": "usd", "unit_amount": amount_cents, "product_data": {"name": name}},
    }
    if settings.XROUTE_STRIPE_TAX:
        item["price_data"]["tax_behavior"] = "exclusive"
        if settings.XROUTE_STRIPE_TAX_CODE:
            item["price_data"]["product_data"]["tax_code"] = settings.XROUTE_STRIPE_TAX_CODE
    return item


def tax_item(reference: str, amount_cents: int) -> "CalculationCreateParamsLineItem":
    """A line of a tax calculation."""
    item: CalculationCreateParamsLineItem = {
        "amount": amount_cents,
        "quantity": 1,
        "reference": reference,
        "tax_behavior": "exclusive",
    }
    if settings.XROUTE_STRIPE_TAX_CODE:
        item["tax_code"] = settings.XROUTE_STRIPE_TAX_CODE
    return item
