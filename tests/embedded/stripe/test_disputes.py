"""A dispute takes its amount and a fee, gives both back when it is won, and its charge cannot be refunded meanwhile."""

import pytest

from tests.embedded.stripe.conftest import paid, refused
from xroute.embedded.stripe.reversals import DISPUTE_FEE_CENTS

pytestmark = pytest.mark.usefixtures("balanced")
TAKEN = 2000 + DISPUTE_FEE_CENTS


def opened(fake, intent: dict, **more) -> dict:
    return fake.control("dispute", payment_intent=intent["id"], **more)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        (["needs_response"], TAKEN),
        (["needs_response", "under_review", "lost"], TAKEN),
        (["needs_response", "under_review", "won"], 0),
        (["warning_needs_response", "warning_under_review", "warning_closed"], 0),
        (["warning_needs_response", "needs_response"], TAKEN),
        (["needs_response", "won", "lost"], TAKEN),
    ],
)
def test_what_each_way_takes(fake, client, customer, path, taken):
    intent, before = paid(fake, client, customer), fake.balance()
    dispute = opened(fake, intent, status=path[0])
    for status in path[1:]:
        fake.control(f"dispute/{dispute['id']}", status=status)
    assert fake.balance() == before - taken
    found = client.v1.disputes.retrieve(dispute["id"])
    assert (found.status, found.amount, found.charge) == (path[-1], 2000, intent["latest_charge"])
    assert -sum(line.net for line in found.balance_transactions) == taken


def test_the_same_status_again_takes_nothing_more(fake, client, customer):
    dispute = opened(fake, paid(fake, client, customer))
    before = fake.balance()
    for status in ("needs_response", "under_review", "needs_response"):
        fake.control(f"dispute/{dispute['id']}", status=status)
    assert fake.balance() == before


def test_a_disputed_charge_cannot_be_refunded(fake, client, customer):
    intent = paid(fake, client, customer)
    opened(fake, intent)
    before = fake.balance()
    with refused("has been charged back", code="charge_disputed"):
        client.v1.refunds.create({"payment_intent": intent["id"]})
    assert fake.balance() == before


def test_a_charge_can_be_refunded_once_its_dispute_is_won_and_not_once_it_is_lost(fake, client, customer):
    for status in ("won", "lost"):
        intent = paid(fake, client, customer)
        fake.control(f"dispute/{opened(fake, intent)['id']}", status=status)
        if status == "won":
            assert client.v1.charges.retrieve(intent["latest_charge"]).disputed
            assert client.v1.refunds.create({"payment_intent": intent["id"]}).status == "succeeded"
        else:
            with refused("has been charged back", code="charge_disputed"):
                client.v1.refunds.create({"payment_intent": intent["id"]})


def test_an_inquiry_can_be_refunded(fake, client, customer):
    intent = paid(fake, client, customer)
    opened(fake, intent, status="warning_needs_response")
    assert client.v1.refunds.create({"payment_intent": intent["id"]}).status == "succeeded"


def test_what_was_refunded_is_not_disputed_again(fake, client, customer):
    intent = paid(fake, client, customer)
    client.v1.refunds.create({"payment_intent": intent["id"], "amount": 700})
    assert opened(fake, intent)["amount"] == 1300


def test_what_stripe_does_not_know_is_refused(fake, client):
    with refused("No such dispute", status=404, code="resource_missing", param="id"):
        client.v1.disputes.retrieve("du_none")
    before = fake.balance()
    for control, body in (("dispute", {"payment_intent": "pi_none"}), ("dispute/du_none", {"status": "won"})):
        with pytest.raises(AssertionError, match="No such"):
            fake.control(control, **body)
    assert fake.balance() == before
