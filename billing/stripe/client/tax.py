"""What Stripe Tax reckons."""

from stripe.params.tax import CalculationCreateParams

from billing.stripe.client.calling import calling
from billing.stripe.items import tax_item
from billing.stripe.tax import TaxCalculation, calculation_parse


def tax_calculate(*, customer_id: str, amount_cents: int, fee_cents: int, idempotency_key: str) -> TaxCalculation:
    """What tax Stripe reckons on a top-up of this customer, whose address it knows."""
    items = [("credit", amount_cents), *([("fee", fee_cents)] if fee_cents else [])]
    params: CalculationCreateParams = {
        "currency": "usd",
        "customer": customer_id,
        "line_items": [tax_item(name, cents) for name, cents in items],
    }
    with calling() as client:
        found = client.v1.tax.calculations.create(params, {"idempotency_key": idempotency_key})
    return calculation_parse(found.to_dict())


def tax_file(*, calculation_id: str, reference: str, idempotency_key: str) -> str:
    """The id of the tax transaction that makes a calculation count in Stripe's tax reports."""
    with calling() as client:
        made = client.v1.tax.transactions.create_from_calculation(
            {"calculation": calculation_id, "reference": reference}, {"idempotency_key": idempotency_key}
        )
    return made.id
