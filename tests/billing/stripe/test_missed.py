"""Promises 7, 8 and 9: whatever becomes of webhooks, each payment credits once, by what Stripe lists."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from billing.models import StripeEvent, StripePlace
from billing.parts import NANOUSD_PER_CENT as CENT
from billing.stripe import events, missed
from billing.stripe.errors import StripeDown
from billing.stripe.missed import events_fetch, events_store, events_strip
from billing.stripe.sweeps import events_sweep
from tests.billing.stripe.conftest import at_once, post
from xroute.embedded.home import PROJECT


@pytest.fixture(autouse=True)
def sessions_only(monkeypatch) -> None:
    """Of what a payment brings about, the events of its session: the others are as many more of the same."""
    handled = {kind: handler for kind, handler in events.HANDLERS.items() if kind.startswith("checkout.")}
    monkeypatch.setattr(events, "HANDLERS", handled)
    monkeypatch.setattr(missed, "HANDLERS", handled)


def process() -> None:
    """All that is due and not."""
    StripeEvent.objects.filter(status="waiting").update(due_at=Now())
    events_sweep()


def known() -> set[tuple[str, str]]:
    return set(StripeEvent.objects.values_list("type", "status"))


def test_a_webhook_that_never_comes_is_found(alone):
    payment = alone.paid()
    assert events_fetch() == 1
    assert events_fetch() == 0
    process()
    payment.refresh_from_db()
    assert (payment.status, alone.balance(), known()) == ("paid", 2000 * CENT, {("checkout.session.completed", "done")})


def test_a_whole_day_of_dropped_events_is_found(alone, monkeypatch):
    monkeypatch.setattr("billing.stripe.client.reading.PAGE_SIZE", 3)
    monkeypatch.setattr(missed, "STORED_AT_ONCE", 2)
    alone.emulator.control("webhooks", url="http://127.0.0.1:9/", drop=True)
    for cents in range(500, 510):
        alone.paid(cents)
    for event in alone.emulator.control("deliveries"):
        alone.emulator.control(f"objects/{event['id']}", created=event["created"] - 20 * 3600)
    assert events_fetch() == 10
    process()
    assert alone.balance() == sum(range(500, 510)) * CENT


def test_webhook_list_and_sweep_all_at_once_credit_once(alone):
    event = alone.event(alone.paid())
    works = [lambda: post(event)] * 20 + [events_fetch] * 3
    at_once(*works)
    at_once(*[process] * 6)
    assert (alone.balance(), len(known())) == (2000 * CENT, 1)


def test_any_order_of_events_ends_the_same(alone):
    slow = alone.paid(900, "000123456789", bank=True)
    alone.emulator.control(f"settle/{slow.session_id}", outcome="succeeded")
    for kind in ("checkout.session.async_payment_succeeded", "checkout.session.completed"):
        post(alone.event(slow, kind))
        process()
    assert events_fetch() == 0
    assert alone.balance() == 900 * CENT


def test_a_database_error_midway_loses_nothing(alone, monkeypatch):
    alone.paid()
    with monkeypatch.context() as patch:

        def away(*_, **__):
            raise OperationalError

        patch.setattr(StripeEvent.objects, "bulk_create", away)
        with pytest.raises(OperationalError):
            events_fetch()
    assert not StripePlace.objects.filter(pk="events").exists()
    assert events_fetch() == 1
    with monkeypatch.context() as patch:
        patch.setattr(events, "_finish", away)
        process()
    assert alone.balance() == 0
    process()
    assert alone.balance() == 2000 * CENT


KILLED = """
import django, os, signal
django.setup()
from django.conf import settings
settings.STRIPE_API_BASE = {base!r}
from billing.stripe import events
from billing.models import StripeEvent
events._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
events.event_process(event_id=StripeEvent.objects.get().pk)
"""


def test_a_worker_killed_midway_has_credited_nothing_and_the_next_one_does(alone, own_books):
    alone.paid()
    events_fetch()
    environment = os.environ | {"DATABASE_URL": own_books.url, "DJANGO_SETTINGS_MODULE": "xroute.settings"}
    code = KILLED.format(base=alone.emulator.url)
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert (alone.balance(), known()) == (0, {("checkout.session.completed", "waiting")})
    process()
    assert alone.balance() == 2000 * CENT


def test_live_and_test_never_mix(alone, caplog):
    event = alone.event(alone.paid())
    alone.emulator.control(f"objects/{event['id']}", livemode=True)
    assert events_fetch() == 0
    assert (StripeEvent.objects.count(), alone.balance()) == (0, 0)
    assert "ALERT" in caplog.text
    assert events_store([{"object": "nothing"}]) == 0


def test_the_place_moves_at_the_end_only_and_the_range_is_read_once_a_day(alone, own_books):
    event = alone.event(alone.paid())
    alone.emulator.control("trouble", times=1, status=500, path="/v1/events")
    with pytest.raises(StripeDown):
        events_fetch()
    assert not StripePlace.objects.filter(pk="events").exists()
    assert events_fetch() == 1
    own_books.sql("DELETE FROM billing_stripeevent")
    alone.emulator.control(f"objects/{event['id']}", created=event["created"] - 5 * 86400)
    assert events_fetch() == 0  # older than the overlap
    StripePlace.objects.update(full_at=Now() - timedelta(days=1, minutes=1))
    assert events_fetch() == 1
    own_books.sql("DELETE FROM billing_stripeevent")
    alone.emulator.control(f"objects/{event['id']}", created=event["created"] - 31 * 86400)
    StripePlace.objects.update(full_at=None)
    assert events_fetch() == 0  # Stripe keeps them for 30 days, and so far is looked


def test_old_payloads_are_stripped_and_only_of_what_is_over(alone, monkeypatch):
    monkeypatch.setattr(missed, "STRIPPED_AT_ONCE", 2)
    for _ in range(4):
        alone.paid()
    events_fetch()
    process()
    assert events_strip() == 0
    StripeEvent.objects.update(processed_at=Now() - timedelta(days=91))
    parked = StripeEvent.objects.first()
    StripeEvent.objects.filter(pk=parked.pk).update(status="parked")
    assert (events_strip(), events_strip()) == (3, 0)
    parked.refresh_from_db()
    assert parked.payload["data"]["object"]["customer"]
    for event in StripeEvent.objects.filter(status="done"):
        (session,) = [event.payload["data"]["object"]]
        assert list(session) == ["id"]
        assert session["id"].startswith("cs_")
        assert (event.payload["id"], event.payload["type"]) == (event.pk, event.type)
    assert events_fetch() == 0
