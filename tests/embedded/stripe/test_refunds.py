"""A refund takes what is left of a charge that was paid, and nothing else."""

import pytest
import stripe

from tests.embedded.stripe.conftest import paid, refused, session_params
from tests.emulator import BANK_BAD, BANK_GOOD

pytestmark = pytest.mark.usefixtures("balanced")
REFUNDED = {"code": "charge_already_refunded"}


def test_parts_are_refunded_until_nothing_is_left(fake, client, customer):
    intent, before = paid(fake, client, customer), fake.balance()
    for cents in (1, 1500, 499):
        made = client.v1.refunds.create({"payment_intent": intent["id"], "amount": cents})
        assert (made.status, made.amount, made.charge) == ("succeeded", cents, intent["latest_charge"])
    assert fake.balance() == before - 2000
    charge = client.v1.charges.retrieve(intent["latest_charge"])
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    with refused("already been refunded", **REFUNDED):
        client.v1.refunds.create({"charge": intent["latest_charge"]})
    assert fake.balance() == before - 2000


@pytest.mark.parametrize("cents", [1001, 2000, 10**9])
def test_more_than_is_left_is_refused(fake, client, customer, cents):
    intent = paid(fake, client, customer)
    client.v1.refunds.create({"payment_intent": intent["id"], "amount": 1000})
    before = fake.balance()
    with refused("greater than unrefunded amount", param="amount"):
        client.v1.refunds.create({"payment_intent": intent["id"], "amount": cents})
    assert fake.balance() == before
    assert client.v1.refunds.create({"payment_intent": intent["id"]}).amount == 1000, "the rest"


@pytest.mark.parametrize("cents", [0, -1])
def test_nothing_or_less_is_refused(fake, client, customer, cents):
    intent = paid(fake, client, customer)
    with refused("Invalid positive integer", code="parameter_invalid_integer", param="amount"):
        client.v1.refunds.create({"payment_intent": intent["id"], "amount": cents})


@pytest.mark.parametrize("name", ["payment_intent", "charge"])
def test_what_stripe_does_not_know_is_refused(fake, client, name):
    before = fake.balance()
    with refused(f"No such {name}", status=404, code="resource_missing", param=name):
        client.v1.refunds.create({name: "xx_none", "amount": 1})
    assert fake.balance() == before


def test_exactly_one_payment_is_named(fake, client, customer):
    intent = paid(fake, client, customer)
    for named in ({}, {"payment_intent": intent["id"], "charge": intent["latest_charge"]}):
        with refused("One of the following params"):
            client.v1.refunds.create(named)


@pytest.mark.parametrize("number", [BANK_GOOD, BANK_BAD])
def test_what_is_not_paid_cannot_be_refunded(fake, client, customer, number):
    made = client.v1.checkout.sessions.create(session_params(customer))
    fake.pay(made.url, number, bank=True)
    intent_id = fake.session(made.id)["payment_intent"]["id"]
    if number == BANK_BAD:
        fake.control(f"settle/{made.id}", outcome="failed")
    before = fake.balance()
    with refused("does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent_id})
    assert fake.balance() == before


@pytest.mark.parametrize(
    ("name", "words"), [("colour", "unknown parameter: colour"), ("reason", "Invalid reason"), ("amount", "Invalid")]
)
def test_unknown_parameters_and_words_are_refused(fake, client, customer, name, words):
    intent, before = paid(fake, client, customer), fake.balance()
    with pytest.raises(stripe.InvalidRequestError, match=words):
        client.v1.refunds.create({"payment_intent": intent["id"], name: "red"})
    assert fake.balance() == before


def test_one_key_is_one_refund_and_other_parameters_are_refused(fake, client, customer):
    intent, key = paid(fake, client, customer), {"idempotency_key": "refund:once"}
    made = client.v1.refunds.create({"payment_intent": intent["id"], "amount": 500}, key)
    before = fake.balance()
    assert client.v1.refunds.create({"payment_intent": intent["id"], "amount": 500}, key).id == made.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": intent["id"], "amount": 501}, key)
    assert fake.balance() == before
    assert client.v1.charges.retrieve(intent["latest_charge"]).amount_refunded == 500


def test_a_refusal_that_was_executed_is_answered_again_under_its_key(fake, client, customer):
    """As at Stripe: after the reason is gone, the same key still says no."""
    intent, key = paid(fake, client, customer), {"idempotency_key": "refund:no"}
    first = client.v1.refunds.create({"payment_intent": intent["id"], "amount": 1500})
    for _ in range(2):
        with refused("greater than unrefunded", param="amount"):
            client.v1.refunds.create({"payment_intent": intent["id"], "amount": 600}, key)
        if fake.call("GET", f"/v1/refunds/{first.id}").json()["status"] == "succeeded":
            fake.control(f"refund/{first.id}", status="failed")


def test_a_refund_that_fails_comes_back_once_and_can_be_made_again(fake, client, customer):
    intent, before = paid(fake, client, customer), fake.balance()
    made = client.v1.refunds.create({"payment_intent": intent["id"]})
    fake.control(f"refund/{made.id}", status="failed")
    assert fake.balance() == before
    with pytest.raises(AssertionError, match="The refund is failed"):
        fake.control(f"refund/{made.id}", status="succeeded")
    assert client.v1.refunds.create({"payment_intent": intent["id"]}).amount == 2000
