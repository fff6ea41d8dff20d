"""An intent that is charged while nobody is there: with a kept card, of the customer that it belongs to."""

import pytest
import stripe

from tests.embedded.stripe.conftest import paid, refused

pytestmark = pytest.mark.usefixtures("balanced")
KEEP = {"setup_future_usage": "off_session"}


@pytest.fixture
def asked(fake, client, customer) -> dict:
    """What an intent needs: a card that was kept, and its customer."""
    method = paid(fake, client, customer, payment_intent_data=KEEP)["payment_method"]
    wanted = {"amount": 1000, "currency": "usd", "customer": customer, "payment_method": method}
    return wanted | {"confirm": True, "off_session": True}


def test_a_kept_card_is_charged(fake, client, asked):
    before = fake.balance()
    intent = client.v1.payment_intents.create(asked)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    assert fake.balance() == before + 1000 - 59


@pytest.mark.parametrize(
    ("change", "words", "code", "param"),
    [
        ({"customer": None}, "Missing required param: customer", "parameter_missing", "customer"),
        ({"payment_method": None}, "Missing required param: pay", "parameter_missing", "payment_method"),
        ({"customer": "cus_none"}, "No such customer", "resource_missing", "customer"),
        ({"payment_method": "pm_none"}, "No such PaymentMethod", "resource_missing", "payment_method"),
        ({"currency": "xyz"}, "Invalid amount or currency", "parameter_invalid", "amount"),
        ({"amount": 49}, "Invalid amount", "amount_too_small", "amount"),
        ({"amount": -1000}, "Invalid amount", "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "Invalid amount", "parameter_invalid", "amount"),
        ({"off_session": None}, "off-session only", None, "confirm"),
        ({"confirm": None}, "off-session only", None, "confirm"),
        ({"colour": "red"}, "unknown parameter: colour", "parameter_unknown", "colour"),
    ],
)
def test_what_is_missing_or_wrong_is_refused(fake, client, asked, change, words, code, param):
    before = fake.balance()
    with refused(words, code=code, param=param):
        client.v1.payment_intents.create({k: v for k, v in (asked | change).items() if v is not None})
    assert fake.balance() == before


def test_a_card_of_somebody_else_is_refused(fake, client, asked):
    other = client.v1.customers.create({}).id
    with refused("belongs to a different Customer", param="payment_method"):
        client.v1.payment_intents.create(asked | {"customer": other})


def test_a_card_is_detached_once_and_is_of_no_use_then(fake, client, asked):
    method = asked["payment_method"]
    assert client.v1.payment_methods.detach(method).customer is None
    with refused("not attached to a customer", param="payment_method"):
        client.v1.payment_methods.detach(method)
    with refused("it was detached", param="payment_method"):
        client.v1.payment_intents.create(asked)
    assert [event["type"] for event in fake.events(method)] == ["payment_method.detached"]


def test_a_card_that_was_never_kept_is_refused(fake, client, customer, asked):
    loose = paid(fake, client, customer)["payment_method"]
    with refused("not attached to a customer", param="payment_method"):
        client.v1.payment_methods.detach(loose)
    with refused("cannot be used", param="payment_method"):
        client.v1.payment_intents.create(asked | {"payment_method": loose})
    with refused("No such PaymentMethod", status=404, code="resource_missing", param="payment_method"):
        client.v1.payment_methods.detach("pm_none")


def test_one_key_is_one_charge_and_other_parameters_are_refused(fake, client, asked):
    key, before = {"idempotency_key": "intent:once"}, fake.balance()
    made = client.v1.payment_intents.create(asked, key)
    assert client.v1.payment_intents.create(asked, key).id == made.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create(asked | {"amount": 1001}, key)
    assert fake.balance() == before + 1000 - 59


def test_what_is_over_or_unknown_cannot_be_canceled(client, asked):
    made = client.v1.payment_intents.create(asked)
    with refused("has a status of succeeded", code="payment_intent_unexpected_state"):
        client.v1.payment_intents.cancel(made.id)
    with refused("No such payment_intent", status=404, code="resource_missing", param="intent"):
        client.v1.payment_intents.cancel("pi_none")
