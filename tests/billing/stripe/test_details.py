"""Stripe's customer carries the billing details after each change, however often Stripe is away."""

import pytest

from accounts.models import Workspace
from billing.details import details_save, details_sweep, tax_type
from billing.models import BillingDetails, StripeCustomer
from billing.stripe.checkout import checkout_open

ADDRESS = {"name": "Acme GmbH", "line1": "Hafenstraße 1", "city": "Hamburg", "postal_code": "20457", "country": "DE"}


@pytest.fixture
def place(till):
    """The till's workspace, with a customer at Stripe."""
    till.start()
    return Workspace.objects.get(pk=till.person.workspace_id)


def customer(till, place) -> dict:
    row = StripeCustomer.objects.get(workspace=place)
    found = till.emulator.call("GET", f"/v1/customers/{row.customer_id}").json()
    ids = till.emulator.call("GET", f"/v1/customers/{row.customer_id}/tax_ids").json()["data"]
    return found | {"tax_ids": sorted((one["type"], one["value"]) for one in ids)}


def test_a_change_is_sent_once_and_the_next_one_too(till, place):
    assert details_save(workspace=place, values=ADDRESS | {"tax_number": "DE123456789"})
    assert not details_save(workspace=place, values=ADDRESS | {"tax_number": "DE123456789"})
    details_sweep()
    found = customer(till, place)
    assert (found["name"], found["address"]["line1"], found["address"]["country"]) == (
        "Acme GmbH",
        "Hafenstraße 1",
        "DE",
    )
    assert (found["metadata"]["tax_number"], found["tax_ids"]) == ("DE123456789", [("eu_vat", "DE123456789")])
    assert found["metadata"]["workspace"] == str(place.pk)
    assert details_sweep() == 0
    details_save(workspace=place, values={"name": "Other", "country": "GB", "tax_number": "GB123456789"})
    details_sweep()
    found = customer(till, place)
    assert (found["name"], found["tax_ids"]) == ("Other", [("gb_vat", "GB123456789")])
    details_save(workspace=place, values={})
    details_sweep()
    found = customer(till, place)
    assert (found["name"], found["address"], found["tax_ids"]) == (place.name, None, [])
    assert "tax_number" not in found["metadata"]


def test_stripe_away_is_tried_again_until_it_is_told(till, place):
    details_save(workspace=place, values=ADDRESS)
    till.emulator.control("trouble", path="/v1/customers", status=500, times=50)
    details_sweep()
    till.emulator.reset()
    assert customer(till, place)["name"] != "Acme GmbH"
    details_sweep()
    assert customer(till, place)["name"] == "Acme GmbH"


def test_a_number_that_stripe_refuses_stands_in_the_metadata_alone(till, place):
    details_save(workspace=place, values=ADDRESS | {"tax_number": "DE1"})
    details_sweep()
    found = customer(till, place)
    assert (found["metadata"]["tax_number"], found["tax_ids"]) == ("DE1", [])
    assert details_sweep() == 0


def test_a_customer_deleted_at_stripe_is_made_anew_and_told(till, place):
    details_save(workspace=place, values=ADDRESS)
    StripeCustomer.objects.filter(workspace=place).update(customer_id="cus_deleted")
    details_sweep()
    assert StripeCustomer.objects.get(workspace=place).customer_id is None
    assert checkout_open(payment=till.start()).url
    details_sweep()
    assert customer(till, place)["name"] == "Acme GmbH"


@pytest.mark.parametrize(
    ("country", "number", "kind"),
    [
        ("DE", "de 123 456 789", "eu_vat"),
        ("DE", "123456789", ""),
        ("GR", "EL123456789", "eu_vat"),
        ("US", "12-3456789", "us_ein"),
        ("JP", "T1234567890123", ""),
        ("US", "", ""),
        ("", "DE123456789", ""),
    ],
)
def test_the_kind_of_a_number_is_named_only_where_it_is_known(country, number, kind):
    assert tax_type(BillingDetails(country=country, tax_number=number)) == kind
