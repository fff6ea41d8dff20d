"""Events are signed as the library checks them, retried, and sent wrongly on demand; nothing is lost by a restart."""

import time

import pytest

from tests.embedded.stripe.conftest import library, session_params
from tests.embedded.stripe.receiver import Receiver
from tests.emulator import BANK_GOOD, Emulator, start_emulator


@pytest.fixture
def receiver(fake):
    found = Receiver(fake.process.environment["STRIPE_WEBHOOK_SECRET"])
    fake.control("webhooks", url=found.url)
    yield found
    fake.reset()
    found.close()


def paid(fake, client) -> str:
    made = client.v1.checkout.sessions.create(session_params())
    assert fake.pay(made.url).status_code == 303
    return made.id


def test_an_event_comes_signed(fake, client, receiver):
    assert receiver.wait(paid(fake, client), 1) == ["checkout.session.completed"]


def test_an_event_comes_again_until_it_is_taken(fake, client, receiver):
    receiver.refuse = 3
    session_id = paid(fake, client)
    receiver.wait(session_id, 1)
    (event,) = fake.events(session_id)
    until = time.monotonic() + 10
    while fake.events(session_id)[0]["state"] != "delivered":
        assert time.monotonic() < until
    assert event["id"] in [taken["id"] for taken in receiver.taken]
    assert receiver.calls >= 4


def test_duplicates_on_demand(fake, client, receiver):
    fake.control("webhooks", duplicate=4)
    assert receiver.wait(paid(fake, client), 5) == ["checkout.session.completed"] * 5
    assert len({event["id"] for event in receiver.taken if event["type"] == "checkout.session.completed"}) == 1


def test_dropped_events_are_listed_only(fake, client, receiver):
    fake.control("webhooks", drop=True)
    session_id = paid(fake, client)
    (event,) = fake.events(session_id)
    assert (event["state"], receiver.about(session_id)) == ("dropped", [])
    fake.control("webhooks")
    fake.control(f"send/{event['id']}")
    receiver.wait(session_id, 1)


def test_events_change_places_on_demand(fake, client, receiver):
    made = client.v1.checkout.sessions.create(session_params())
    fake.control("webhooks", reorder=True)
    fake.control(f"emit/first/{made.id}")
    fake.control(f"emit/second/{made.id}")
    assert set(receiver.wait(made.id, 2)) == {"first", "second"}
    orders = {tuple(receiver.about(made.id))}
    fake.control(f"emit/third/{made.id}")  # the other parity, should the first pair have kept its order
    fake.control(f"emit/fourth/{made.id}")
    fake.control(f"emit/fifth/{made.id}")
    orders.add(tuple(receiver.wait(made.id, 5)))
    assert tuple(sorted(orders, key=len)[-1]) != ("first", "second", "third", "fourth", "fifth")


def test_nothing_is_lost_by_a_restart(tmp_path):
    first = Emulator(start_emulator(tmp_path))
    receiver = Receiver(first.process.environment["STRIPE_WEBHOOK_SECRET"])
    receiver.refuse = 10**6
    try:
        first.control("webhooks", url=receiver.url)
        customer = library(first).v1.customers.create({"name": "A"}, {"idempotency_key": "c"}).id
        slow = library(first).v1.checkout.sessions.create(session_params(customer))
        first.pay(slow.url, BANK_GOOD, bank=True)
        session_id = paid(first, library(first))
        first.process.kill()
        with (tmp_path / "stripe.jsonl").open("ab") as file:
            file.write(b'{"id": "torn')
        receiver.refuse = 0
        port = first.process.port
        second = Emulator(start_emulator(tmp_path, port, "--webhook-url", receiver.url, settle_s=0.2))
        assert library(second).v1.customers.create({"name": "A"}, {"idempotency_key": "c"}).id == customer
        assert receiver.wait(session_id, 1) == ["checkout.session.completed"]
        assert receiver.wait(slow.id, 2)[-1] == "checkout.session.async_payment_succeeded"
        assert second.session(slow.id)["payment_status"] == "paid"
        assert second.stop() == 0
    finally:
        receiver.close()


def test_nothing_comes_for_a_time(fake, client, receiver):
    fake.control("webhooks", drop_s=3600)
    session_id = paid(fake, client)
    assert [event["state"] for event in fake.events(session_id)] == ["dropped"]
    fake.control("webhooks", drop_s=0)
    assert receiver.wait(paid(fake, client), 1) == ["checkout.session.completed"]
    assert receiver.about(session_id) == []


def test_what_was_held_comes_all_at_once(fake, client, receiver):
    fake.control("webhooks", hold=True)
    session_id = paid(fake, client)
    assert [event["state"] for event in fake.events(session_id)] == ["held"]
    assert fake.control("release", shuffle=True, copies=3)["sent"] == 3  # of the charge, the intent and the session
    assert receiver.wait(session_id, 3) == ["checkout.session.completed"] * 3
