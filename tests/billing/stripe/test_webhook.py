"""Promise 10 at the door: only what Stripe signed lately, for this mode, is stored; and it is stored before the 200."""

import json
import time
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from billing.models import StripeEvent
from billing.stripe import webhook
from billing.stripe.tasks import process_event
from tests.billing.stripe.conftest import at_once, post, signed


@pytest.fixture(autouse=True)
def quiet(monkeypatch) -> list[str]:
    """Events that were handed to Celery, which is not part of these tests."""
    told: list[str] = []
    monkeypatch.setattr(webhook, "enqueue", told.append)
    return told


def event(**changes) -> dict:
    made = {"id": f"evt_{uuid4().hex}", "object": "event", "type": "price.created", "livemode": False, "data": {}}
    return made | changes


def stored(made: dict) -> StripeEvent | None:
    return StripeEvent.objects.filter(pk=made["id"]).first()


def test_a_signed_event_is_stored_then_handed_on(quiet):
    made = event(data={"object": {"id": "price_1", "name": "é\u0000\ud800"}})
    assert post(made).status_code == 200
    found = stored(made)
    assert (found.type, found.livemode, found.status, found.attempts) == ("price.created", False, "waiting", 0)
    assert found.payload["data"]["object"] == {"id": "price_1", "name": "é?"}
    assert quiet == [made["id"]]


def test_a_duplicate_is_no_news_however_often_it_comes_at_once():
    made = event()
    assert {answer.status_code for answer in at_once(*[lambda: post(made)] * 20)} == {200}
    assert StripeEvent.objects.filter(pk=made["id"]).count() == 1


def test_no_one_elses_signature_counts(settings):
    made = event()
    body = json.dumps(made)
    now = int(time.time())
    forged = [
        "",
        "garbage",
        f"t={now}",
        f"t={now},v1=",
        f"t={now},v0={signed(body).partition('v1=')[2]}",
        signed(body, secret="whsec_other_secret_of_somebody"),
        signed(body, secret=""),
        signed(body + " "),
        signed(body, at=now - 100).replace(f"t={now - 100}", f"t={now}"),
    ]
    assert [post(made, signature=header).status_code for header in forged] == [400] * len(forged)
    assert stored(made) is None


@pytest.mark.parametrize("off_s", [-301, -86400, 330, 86400, 10**9])
def test_a_signature_of_another_time_does_not_count_past_or_future(off_s):
    made = event()
    body = json.dumps(made)
    assert post(body, signature=signed(body, at=int(time.time()) + off_s)).status_code == 400
    assert stored(made) is None


@pytest.mark.parametrize("off_s", [-250, 250])
def test_clocks_may_differ_a_little(off_s):
    made = event()
    body = json.dumps(made)
    assert post(body, signature=signed(body, at=int(time.time()) + off_s)).status_code == 200


def test_an_old_time_beside_a_new_one_does_not_count():
    made = event()
    body, now = json.dumps(made), int(time.time())
    late = signed(body, at=now + 5000)
    beside = [
        f"{late},t={now}",
        f"t={now},{late}",
        f" t={now},{late}",
        f"x=1, t={now},{late}",
        late.replace("t=", "t=+"),
    ]
    assert [post(body, signature=header).status_code for header in beside] == [400] * len(beside)
    early = signed(body, at=now)
    assert post(body, signature=f"{early},t={now}").status_code == 400
    assert stored(made) is None


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_verifies_nothing(settings, secret):
    made = event()
    body = json.dumps(made)
    settings.STRIPE_WEBHOOK_SECRET = secret
    assert post(body, signature=signed(body, secret="")).status_code == 400
    assert post(body, signature=signed(body, secret=secret)).status_code == 400
    assert stored(made) is None


def test_a_live_event_in_test_mode_is_refused_and_told(caplog):
    made = event(livemode=True)
    assert post(made).status_code == 400
    assert stored(made) is None
    assert "ALERT" in caplog.text


def test_a_test_event_in_live_mode_is_refused(settings):
    settings.STRIPE_LIVEMODE = True
    made = event()
    assert post(made).status_code == 400
    assert stored(made) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"object": "event"}',
        json.dumps(event(object="v2.core.event")),
        json.dumps(event(id=7)),
        json.dumps(event(id="")),
        json.dumps(event(type=None)),
        json.dumps(event(livemode="false")),
        json.dumps(event(livemode=None)),
        json.dumps(event(id="e" * 256)),
        json.dumps(event(data=float("nan"))),
    ],
    ids=range(14),
)
def test_what_is_no_event_is_refused_also_when_signed(body):
    assert post(body).status_code == 400


def test_bytes_that_are_no_text_are_refused():
    headers = {"Stripe-Signature": signed("x"), "Host": "localhost"}
    answer = Client().post("/stripe/webhook", data=b"\xff\xfe", content_type="application/json", headers=headers)
    assert answer.status_code == 400


def test_a_body_has_a_limit(settings):
    settings.STRIPE_WEBHOOK_BYTES_MAX = 2000
    assert post(event(data={"x": "y" * 2000})).status_code == 413
    assert post(event(data={"x": "y" * 1000})).status_code == 200


def test_only_post_and_no_csrf_token(settings):
    assert Client().get("/stripe/webhook", headers={"Host": "localhost"}).status_code == 405
    settings.STRIPE_SECRET_KEY = ""
    assert post(event()).status_code == 404


def test_what_cannot_be_stored_is_asked_for_again(monkeypatch, quiet):
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    made = event()
    with monkeypatch.context() as patch:
        patch.setattr(StripeEvent.objects, "bulk_create", away)
        assert post(made).status_code == 503
    assert quiet == []
    assert post(made).status_code == 200


def test_a_silent_broker_holds_up_nothing(monkeypatch):
    """Not even when each of its calls hangs: a few are tried, all others are left to the sweep."""
    monkeypatch.undo()
    calls = []

    def hang(*_: object, **__: object) -> None:
        calls.append(1)
        time.sleep(8)

    monkeypatch.setattr(process_event, "apply_async", hang)
    for _ in range(webhook.ENQUEUING_MAX):  # tests before may have left calls behind that are still on their way
        assert webhook._enqueuing.acquire(timeout=60)
    for _ in range(webhook.ENQUEUING_MAX):
        webhook._enqueuing.release()
    began = time.monotonic()
    for _ in range(webhook.ENQUEUING_MAX + 20):
        webhook.enqueue("evt_x")
    assert time.monotonic() - began < webhook.ENQUEUING_MAX * webhook.ENQUEUE_S + 2
    assert len(calls) == webhook.ENQUEUING_MAX


def test_a_dead_broker_is_no_failure(monkeypatch, caplog):
    def dead(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.undo()
    made = event()
    until = time.monotonic() + 30
    while not webhook._enqueuing.acquire(blocking=False):  # calls that the test before has left hanging
        assert time.monotonic() < until
        time.sleep(0.1)
    webhook._enqueuing.release()
    monkeypatch.setattr(process_event, "apply_async", dead)
    assert post(made).status_code == 200
    assert stored(made).status == "waiting"
    assert "waits for the sweep" in caplog.text
