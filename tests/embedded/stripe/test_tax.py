"""Tax is calculated for a customer whose country is known, and filed once."""

import pytest
import stripe

from tests.embedded.stripe.conftest import refused

pytestmark = pytest.mark.usefixtures("balanced")
LINE = {"amount": 1000, "reference": "credit", "tax_behavior": "exclusive"}


@pytest.fixture
def asked(client) -> dict:
    customer = client.v1.customers.create({"address": {"country": "DE"}}).id
    return {"currency": "usd", "customer": customer, "line_items": [LINE]}


def test_tax_comes_on_top_of_each_line(fake, client, asked):
    before = fake.balance()
    found = client.v1.tax.calculations.create(asked | {"line_items": [LINE, LINE | {"amount": 1, "reference": "b"}]})
    assert (found.tax_amount_exclusive, found.amount_total) == (190, 1191)
    assert fake.balance() == before


@pytest.mark.parametrize(
    ("change", "words", "code", "param"),
    [
        ({"customer": "cus_none"}, "No such customer", "resource_missing", "customer"),
        ({"customer": None}, "Give one of", None, "customer"),
        ({"line_items": None}, "Missing required param", "parameter_missing", "line_items"),
        ({"line_items": [LINE | {"tax_behavior": "inclusive"}]}, "without tax only", None, "line_items"),
        ({"line_items": [LINE | {"amount": -1}]}, "without tax only", None, "line_items"),
        ({"currency": "xyz"}, "Invalid currency: xyz", None, "currency"),
        ({"colour": "red"}, "unknown parameter: colour", "parameter_unknown", "colour"),
    ],
)
def test_what_is_missing_or_wrong_is_refused(client, asked, change, words, code, param):
    with refused(words, code=code, param=param):
        client.v1.tax.calculations.create({k: v for k, v in (asked | change).items() if v is not None})


def test_a_customer_without_a_country_is_refused(client, asked, customer):
    with refused("could not determine", code="customer_tax_location_invalid", param="customer"):
        client.v1.tax.calculations.create(asked | {"customer": customer})


def test_a_calculation_is_filed_once(client, asked):
    made = [client.v1.tax.calculations.create(asked).id for _ in range(2)]
    file, key = client.v1.tax.transactions.create_from_calculation, {"idempotency_key": "tax:once"}
    filed = file({"calculation": made[0], "reference": "tax-1"}, key)
    assert file({"calculation": made[0], "reference": "tax-1"}, key).id == filed.id
    with pytest.raises(stripe.IdempotencyError):
        file({"calculation": made[1], "reference": "tax-1"}, key)
    for calculation, reference in ((made[0], "tax-2"), (made[1], "tax-1")):
        with refused("exists", code="resource_already_exists", param="reference"):
            file({"calculation": calculation, "reference": reference})
    with refused("No such tax.calculation", code="resource_missing", param="calculation"):
        file({"calculation": "taxcalc_none", "reference": "tax-3"})
