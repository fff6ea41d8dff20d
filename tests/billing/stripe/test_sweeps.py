"""Promises 8 and 9: a failed event credits when it is tried again, and a webhook that never comes is not missed."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from billing.models import Payment, StripeEvent
from billing.stripe import events
from billing.stripe.events import event_process
from billing.stripe.sweeps import events_sweep, payments_sweep
from tests.billing.stripe.conftest import at_once, post
from tests.emulator import BANK_GOOD

CENT = 10_000_000


def stored(event: dict) -> StripeEvent:
    return StripeEvent.objects.get(pk=event["id"])


def age(payment: Payment, **ago) -> None:
    """As if it had been made, and looked at, so long ago."""
    then = Now() - timedelta(**ago)
    Payment.objects.filter(pk=payment.pk).update(created_at=then, checked_at=then)


def due(event: dict) -> None:
    StripeEvent.objects.filter(pk=event["id"]).update(due_at=Now())


def status(payment: Payment) -> str:
    return Payment.objects.get(pk=payment.pk).status


def sweep(till) -> None:
    """All that is due, also what other tests have left."""
    for _ in range(20):
        if not payments_sweep():
            return


@pytest.mark.parametrize("point", ["before Stripe is asked", "in the middle", "at the very end"])
def test_an_event_whose_processing_failed_credits_at_the_next_try(till, monkeypatch, point):
    payment = till.paid()
    event = till.event(payment)
    assert post(event).status_code == 200

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    where = {
        "before Stripe is asked": "billing.stripe.client.session_retrieve",
        "in the middle": "billing.ledger._balance_change",
        "at the very end": "billing.stripe.events._finish",
    }
    with monkeypatch.context() as patch:
        patch.setattr(where[point], fail)
        event_process(event_id=event["id"])
    found = stored(event)
    assert (found.status, found.attempts, found.error) == ("waiting", 1, "RuntimeError: a bug of ours")
    assert (till.balance(), till.transfers(), status(payment)) == (0, [], "open")
    assert post(event).status_code == 200  # Stripe retries
    due(event)
    events_sweep()
    assert stored(event).status == "done"
    assert (till.balance(), status(payment)) == (2000 * CENT, "paid")


def test_tries_become_rarer_and_end_with_a_person(till, monkeypatch, settings, caplog):
    settings.STRIPE_EVENT_ATTEMPTS_MAX = 4
    event = till.event(till.paid())
    post(event)
    till.emulator.control("trouble", times=99, status=500)
    settings.STRIPE_RETRIES_MAX = 0
    waits = []
    for _ in range(3):
        event_process(event_id=event["id"])
        found = stored(event)
        waits.append(round((found.due_at - found.received_at).total_seconds()))
    assert waits == sorted(waits)
    assert 4 <= waits[0] <= 20
    assert waits[2] >= 20
    assert found.status == "waiting"
    events_sweep()  # not due
    assert stored(event).attempts == 3
    event_process(event_id=event["id"])
    assert stored(event).status == "parked"
    assert "ALERT" in caplog.text


def test_one_bad_event_stops_no_other(till, monkeypatch):
    bad, good = till.event(till.paid()), till.event(till.paid())
    bad["data"] = {"object": {}}
    for event in (bad, good):
        post(event)
        due(event)
    events_sweep()
    assert (stored(bad).status, stored(good).status) == ("waiting", "done")
    assert till.balance() == 2000 * CENT


def test_what_nothing_handles_is_kept_and_ignored(till):
    made = {
        "id": f"evt_{till.person.key_id}",
        "object": "event",
        "type": "charge.updated",
        "livemode": False,
        "data": {},
    }
    post(made)
    events_sweep()
    assert (stored(made).status, stored(made).payload["type"]) == ("ignored", "charge.updated")


def test_an_event_is_marked_done_with_its_effect_or_not_at_all(till, monkeypatch):
    """A crash right after the effect takes the effect back with it."""
    payment = till.paid()
    event = till.event(payment)
    post(event)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(events, "_finish", die)
        with pytest.raises(KeyboardInterrupt):
            event_process(event_id=event["id"])
    assert (till.balance(), status(payment), stored(event).status) == (0, "open", "waiting")
    event_process(event_id=event["id"])
    assert (till.balance(), status(payment), stored(event).status) == (2000 * CENT, "paid", "done")


def test_an_effect_happens_once_also_where_it_could_happen_twice(till, monkeypatch):
    """Handlers to come need not be idempotent by themselves: the event is."""
    made = {"id": f"evt_once_{till.person.key_id}", "object": "event", "type": "once", "livemode": False, "data": {}}
    post(made)
    done = []

    def handler(_payload: dict):
        return lambda: done.append(1) or ""

    monkeypatch.setitem(events.HANDLERS, "once", handler)
    at_once(*[lambda: event_process(event_id=made["id"])] * 12)
    event_process(event_id=made["id"])
    assert (done, stored(made).status) == ([1], "done")


def test_a_webhook_that_never_comes_is_recovered(till):
    payment = till.paid()
    age(payment, seconds=50)
    sweep(till)
    assert (status(payment), till.balance()) == ("open", 0)
    age(payment, seconds=61)
    sweep(till)
    assert (status(payment), till.balance()) == ("paid", 2000 * CENT)
    age(payment, days=2)
    sweep(till)
    assert till.balance() == 2000 * CENT


def test_slow_and_expired_payments_are_recovered_too(till):
    slow, left = till.paid(number=BANK_GOOD, bank=True), till.start()
    till.emulator.control(f"objects/{left.session_id}", expires_at=1)
    for payment in (slow, left):
        age(payment, minutes=5)
    sweep(till)
    assert (status(slow), status(left)) == ("processing", "expired")
    till.emulator.control(f"settle/{slow.session_id}", outcome="succeeded")
    age(slow, days=3)
    sweep(till)
    assert (status(slow), till.balance()) == ("paid", 2000 * CENT)


def test_old_payments_are_asked_about_ever_more_rarely(till):
    payment = till.paid()
    then = Now() - timedelta(hours=5)
    Payment.objects.filter(pk=payment.pk).update(created_at=then, checked_at=Now() - timedelta(minutes=20))
    sweep(till)
    assert status(payment) == "open"
    Payment.objects.filter(pk=payment.pk).update(checked_at=Now() - timedelta(minutes=31))
    sweep(till)
    assert status(payment) == "paid"


def test_a_payment_that_never_got_a_page_expires(till):
    till.emulator.control("trouble", times=99, status=500)
    payment = till.start()
    till.emulator.control("trouble")
    age(payment, hours=23)
    sweep(till)
    assert status(payment) == "open"
    age(payment, hours=25)
    sweep(till)
    assert status(payment) == "expired"


def test_an_outage_ends_the_round_and_not_the_payment(till, settings):
    payment = till.paid()
    age(payment, minutes=5)
    settings.STRIPE_RETRIES_MAX = 0
    till.emulator.control("trouble", times=99, status=503)
    payments_sweep()
    assert status(payment) == "open"
    till.emulator.control("trouble")
    age(payment, minutes=5)
    sweep(till)
    assert status(payment) == "paid"


def test_without_a_key_the_sweep_does_nothing(till, settings):
    settings.STRIPE_SECRET_KEY = ""
    assert payments_sweep() == 0
