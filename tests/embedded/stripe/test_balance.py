"""What is paid becomes a charge and a line of the balance; both can be read, listed, paged and expanded."""

import time

import pytest
import stripe

from tests.embedded.stripe.conftest import paid, session_params
from tests.emulator import BANK_GOOD

pytestmark = pytest.mark.usefixtures("balanced")


def test_a_paid_intent_has_a_charge_with_its_card_and_metadata(fake, client, customer):
    intent = paid(fake, client, customer, payment_intent_data={"metadata": {"payment": "7"}})
    charge = client.v1.charges.retrieve(intent["latest_charge"])
    assert (charge.amount, charge.amount_refunded, charge.refunded, charge.disputed) == (2000, 0, False, False)
    assert (charge.payment_intent, charge.customer, charge.currency) == (intent["id"], customer, "usd")
    assert (charge.livemode, charge.paid, charge.status, charge.metadata.to_dict()) == (
        False,
        True,
        "succeeded",
        {"payment": "7"},
    )
    card = charge.payment_method_details.card
    assert (card.brand, card.last4, card.exp_month, card.exp_year) == ("visa", "4242", 7, 2033)
    assert charge.receipt_url
    assert [event["type"] for event in fake.events(charge.id)] == ["charge.succeeded"]


def test_each_charge_is_one_line_of_the_balance(fake, client, customer):
    before = fake.balance()
    charge = fake.charge(paid(fake, client, customer, 1999)["id"])
    line = charge["balance_transaction"]
    assert (line["type"], line["amount"], line["fee"], line["net"]) == ("charge", 1999, 88, 1911)
    assert (line["source"], line["currency"], line["status"]) == (charge["id"], "usd", "pending")
    assert line["available_on"] > time.time() > line["created"] - 60
    assert fake.balance() == before + 1911
    available = usd_available(client)
    fake.control(f"objects/{line['id']}", available_on=1)
    assert client.v1.balance_transactions.retrieve(line["id"]).status == "available"
    assert fake.balance() == before + 1911
    assert usd_available(client) == available + 1911


def usd_available(client) -> int:
    return {part.currency: part.amount for part in client.v1.balance.retrieve().available}["usd"]


def test_a_bank_debit_is_a_payment_when_it_has_ended(fake, client, customer):
    made = client.v1.checkout.sessions.create(session_params(customer))
    fake.pay(made.url, BANK_GOOD, bank=True)
    assert fake.session(made.id)["payment_intent"]["latest_charge"] is None
    fake.control(f"settle/{made.id}", outcome="succeeded")
    charge = fake.charge(fake.session(made.id)["payment_intent"]["id"])
    assert charge["id"].startswith("py_")
    assert charge["balance_transaction"]["type"] == "payment"
    assert charge["payment_method_details"]["us_bank_account"]["last4"] == "6789"


def test_lines_and_charges_are_listed_with_filters(fake, client, customer):
    intents = [paid(fake, client, customer, cents) for cents in (500, 600, 700)]
    charges = client.v1.charges.list({"customer": customer, "limit": 2})
    assert [charge.amount for charge in charges.auto_paging_iter()] == [700, 600, 500]
    (one,) = client.v1.charges.list({"payment_intent": intents[0]["id"]})
    lines = client.v1.balance_transactions.list({"source": one.id, "expand": ["data.source"]})
    assert [(line.type, line.source.amount) for line in lines] == [("charge", 500)]
    fake.control(f"objects/{one.balance_transaction}", created=1000)
    for created, found in [
        ({"gte": 1000, "lte": 1000}, 1),
        (1000, 1),
        ({"gt": 1000, "lte": 1001}, 0),
        ({"gt": 999, "lt": 1000}, 0),
        ({"gt": 999, "lt": 1001}, 1),
    ]:
        assert len(client.v1.balance_transactions.list({"created": created, "type": "charge"}).data) == found
    assert client.v1.balance_transactions.list({"created": 1000, "type": "payout"}).data == []
    assert fake.lines()[0]["created"] >= fake.lines()[-1]["created"], "newest first, by their own time"


@pytest.mark.parametrize(
    "name", ["latest_charge", "latest_charge.balance_transaction", "latest_charge.payment_intent.customer"]
)
def test_what_may_be_expanded(client, fake, customer, name):
    intent = paid(fake, client, customer)
    found = client.v1.payment_intents.retrieve(intent["id"], {"expand": [name]}).to_dict()
    for part in name.split("."):
        found = found[part]
        assert found["object"]
        assert not [key for key in found if key.startswith("_")]


def test_an_intent_is_expanded_within_a_session(client, fake, customer):
    made = client.v1.checkout.sessions.create(session_params(customer))
    fake.pay(made.url)
    names = ["payment_intent", "payment_intent.latest_charge"]
    found = client.v1.checkout.sessions.retrieve(made.id, {"expand": names})
    assert found.payment_intent.latest_charge.payment_intent == found.payment_intent.id


@pytest.mark.parametrize("name", ["colour", "latest_charge.colour", "id", "latest_charge" + ".payment_intent" * 5])
def test_nothing_else_can_be_expanded(client, fake, customer, name):
    intent = paid(fake, client, customer)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(intent["id"], {"expand": [name]})


def test_what_is_not_there_is_said(client):
    for read in (client.v1.charges.retrieve, client.v1.balance_transactions.retrieve):
        with pytest.raises(stripe.InvalidRequestError, match="No such"):
            read("ch_none")
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        client.v1.balance_transactions.list({"colour": "red"})


def test_a_payout_takes_money_and_a_failed_one_brings_it_back(fake, client):
    before = fake.balance()
    payout = fake.control("payout", amount=1234)
    assert fake.balance() == before - 1234
    lines = client.v1.balance_transactions.list({"payout": payout["id"], "type": "payout"})
    assert [(line.amount, line.source) for line in lines] == [(-1234, payout["id"])]
    fake.control(f"payout_fail/{payout['id']}")
    assert fake.balance() == before
    found = client.v1.payouts.retrieve(payout["id"], {"expand": ["failure_balance_transaction"]})
    assert (found.status, found.failure_balance_transaction.type) == ("failed", "payout_failure")
    assert [event["type"] for event in fake.events(payout["id"])] == ["payout.paid", "payout.failed"]


def test_other_lines_and_another_shop_move_the_balance_too(fake, client):
    before = fake.balance(), fake.balance("eur")
    fake.control("line", kind="adjustment", amount=-300, fee=1500)
    assert fake.balance() == before[0] - 1800
    charge = client.v1.charges.retrieve(fake.control("sale", amount=1000, currency="eur")["id"])
    assert (charge.currency, charge.metadata.to_dict()) == ("eur", {})
    assert fake.balance("eur") == before[1] + 1000 - 59


def test_events_are_listed_by_time_type_and_whether_they_were_taken(fake, client):
    fake.reset()
    charge = fake.control("sale", amount=1000)
    (event,) = fake.events(charge["id"])
    found = client.v1.events.list({"type": "charge.*", "delivery_success": False, "created": {"gte": event["created"]}})
    assert event["id"] in [one.id for one in found.auto_paging_iter()]
    taken = client.v1.events.list({"type": "charge.*", "delivery_success": True})
    assert event["id"] not in [one.id for one in taken.auto_paging_iter()]
