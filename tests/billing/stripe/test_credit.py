"""Promises 7 and 10: a payment credits once, by whatever way it comes, and only what Stripe itself says was paid."""

import random
from functools import partial
from uuid import UUID

import pytest

from accounts.models import OutgoingMail, User
from billing.models import Payment, StripeEvent
from billing.stripe.events import event_process
from billing.stripe.settle import PARKED, payment_check, payment_refresh
from billing.stripe.sweeps import events_sweep
from tests.billing.stripe.conftest import at_once, post
from tests.emulator import BANK_BAD, BANK_GOOD

CENT = 10_000_000
COMPLETED, SUCCEEDED = "checkout.session.completed", "checkout.session.async_payment_succeeded"
FAILED, EXPIRED = "checkout.session.async_payment_failed", "checkout.session.expired"


@pytest.fixture(autouse=True)
def at_any_time(settings) -> None:
    settings.STRIPE_REFRESH_S = 0


def fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def deliver(event: dict) -> StripeEvent:
    assert post(event).status_code == 200
    event_process(event_id=event["id"])
    return StripeEvent.objects.get(pk=event["id"])


def test_an_event_credits_the_subtotal_once(till):
    payment = till.paid(2500)
    event = till.event(payment)
    for _ in range(3):
        assert deliver(event).status == "done"
    assert till.transfers() == [("top_up", 2500 * CENT, f"payment:{payment.pk}")]
    found = fresh(payment)
    assert (found.status, found.credited_nanousd, found.error) == ("paid", 2500 * CENT, "")
    assert found.paid_at is not None
    assert found.payment_intent_id.startswith("pi_")
    assert till.balance() == 2500 * CENT


@pytest.mark.parametrize("seed", range(4))
def test_webhook_redirect_and_sweep_at_once_credit_once(till, seed):
    """Twenty of each kind of delivery, in any order, all at the same time."""
    payment = till.paid()
    event = till.event(payment)
    copies = [event | {"id": f"{event['id']}_{number}"} for number in range(3)]  # as if Stripe had sent it anew

    def come(event: dict) -> None:
        deliver(event)

    works = [partial(come, event) for _ in range(20)]
    works += [partial(come, copy) for copy in copies]
    works += [lambda: payment_refresh(payment=fresh(payment)) for _ in range(8)]
    works += [lambda: payment_check(payment=fresh(payment)) for _ in range(6)]
    works += [events_sweep for _ in range(3)]
    random.Random(seed).shuffle(works)
    at_once(*works)
    assert till.transfers() == [("top_up", 2000 * CENT, f"payment:{payment.pk}")]
    assert (till.balance(), fresh(payment).status) == (2000 * CENT, "paid")
    assert StripeEvent.objects.get(pk=event["id"]).status == "done"


@pytest.mark.parametrize("way", [payment_check, payment_refresh])
def test_each_way_alone_credits_too(till, way):
    payment = till.paid()
    assert way(payment=payment).status == "paid"
    assert till.balance() == 2000 * CENT
    assert deliver(till.event(payment)).status == "done"
    assert till.balance() == 2000 * CENT


def test_a_slow_payment_is_processing_until_it_is_paid(till):
    payment = till.paid(number=BANK_GOOD, bank=True)
    assert deliver(till.event(payment)).status == "done"
    assert (fresh(payment).status, till.balance()) == ("processing", 0)
    till.emulator.control(f"settle/{payment.session_id}", outcome="succeeded")
    assert deliver(till.event(payment, SUCCEEDED)).status == "done"
    assert (fresh(payment).status, till.balance()) == ("paid", 2000 * CENT)


def test_a_slow_payment_that_fails_credits_nothing(till):
    payment = till.paid(number=BANK_BAD, bank=True)
    deliver(till.event(payment))
    till.emulator.control(f"settle/{payment.session_id}", outcome="failed")
    assert deliver(till.event(payment, FAILED)).status == "done"
    found = fresh(payment)
    assert (found.status, till.balance()) == ("failed", 0)
    assert "The bank did not pay" in found.error


def test_that_a_slow_payment_failed_is_mailed_once_however_often_it_is_told(till):
    payment = till.paid(number=BANK_BAD, bank=True)
    deliver(till.event(payment))
    told = OutgoingMail.objects.filter(
        to_email=User.objects.get(pk=till.person.user_id).email, subject__startswith="A payment did not go through"
    )
    assert not told.exists(), "the bank has not said yet"
    till.emulator.control(f"settle/{payment.session_id}", outcome="failed")
    at_once(*[lambda: payment_check(payment=Payment.objects.get(pk=payment.pk))] * 4)
    deliver(till.event(payment, FAILED))
    assert f"/credits/payments/{payment.pk}" in told.get().text


def test_events_in_the_wrong_order_end_in_the_same_state(till):
    payment = till.paid(number=BANK_GOOD, bank=True)
    till.emulator.control(f"settle/{payment.session_id}", outcome="succeeded")
    deliver(till.event(payment, SUCCEEDED))
    deliver(till.event(payment, COMPLETED))
    assert (fresh(payment).status, till.balance()) == ("paid", 2000 * CENT)


def test_an_expired_page_ends_its_payment(till):
    payment = till.start()
    till.emulator.call("POST", f"/v1/checkout/sessions/{payment.session_id}/expire")
    assert deliver(till.event(payment, EXPIRED)).status == "done"
    assert (fresh(payment).status, till.balance()) == ("expired", 0)


def test_a_declined_card_leaves_the_page_open(till):
    payment = till.start()
    assert till.emulator.pay(payment.url, "4000000000000002").status_code == 402
    assert payment_check(payment=payment).status == "open"
    assert till.balance() == 0


def test_the_event_itself_is_not_believed(till):
    """Someone who knows the webhook secret still cannot say what was paid: Stripe is asked."""
    payment = till.start()
    lie = {"id": payment.session_id, "object": "checkout.session", "payment_status": "paid", "status": "complete"}
    lie |= {"currency": "usd", "amount_subtotal": 10**6, "amount_total": 10**6, "metadata": {"amount": "1000000"}}
    made = {"id": f"evt_{payment.pk}", "object": "event", "type": COMPLETED, "livemode": False, "data": {"object": lie}}
    assert deliver(made).status == "done"
    assert (fresh(payment).status, till.balance(), till.transfers()) == ("open", 0, [])


def test_tax_is_not_credited(till):
    payment = till.paid()
    till.forge(payment, amount_total=2380, total_details={"amount_tax": 380, "amount_discount": 0})
    deliver(till.event(payment))
    assert till.balance() == 2000 * CENT


def test_what_was_paid_counts_and_not_what_was_asked(till, caplog):
    payment = till.paid()
    till.forge(payment, amount_subtotal=1500, amount_total=1500)
    deliver(till.event(payment))
    assert (till.balance(), fresh(payment).credited_nanousd) == (1500 * CENT, 1500 * CENT)
    assert "ALERT" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"currency": "eur"}, "'eur'"),
        ({"currency": None}, "not in 'usd'"),
        ({"livemode": True}, "livemode"),
        ({"mode": "subscription"}, "subscription"),
        ({"payment_intent": None}, "no payment intent"),
        ({"amount_total": 1000, "total_details": {"amount_tax": 0, "amount_discount": 1000}}, "not its subtotal"),
        ({"amount_subtotal": 0, "amount_total": 0}, "not its subtotal"),
        ({"amount_subtotal": -2000, "amount_total": -2000}, "not its subtotal"),
        ({"payment_status": "no_payment_required"}, "no_payment_required"),
    ],
    ids=str,
)
def test_anything_else_is_parked_with_an_alert_and_not_credited(till, caplog, change, said):
    payment = till.paid()
    till.forge(payment, **change)
    event = deliver(till.event(payment))
    assert (event.status, said in event.error) == ("parked", True)
    found = fresh(payment)
    assert (found.status, found.error) == ("parked", PARKED)
    assert (till.balance(), till.transfers()) == (0, [])
    assert "ALERT" in caplog.text
    assert payment_refresh(payment=found).status == "parked"
    assert till.balance() == 0


def test_a_parked_payment_that_turns_out_right_is_credited(till):
    payment = till.paid()
    till.forge(payment, currency="eur")
    deliver(till.event(payment))
    till.forge(payment, currency="usd")
    assert payment_check(payment=fresh(payment)).status == "paid"
    assert till.balance() == 2000 * CENT


def test_a_session_that_is_not_ours_credits_nobody(till, caplog):
    """A foreign order in the same Stripe account, paid, that names one of our payments wherever it can."""
    ours = till.start()
    price = "line_items[0][price_data]"
    made = till.emulator.call(
        "POST",
        "/v1/checkout/sessions",
        {
            "mode": "payment",
            "client_reference_id": str(ours.pk),
            "metadata[payment]": str(ours.pk),
            "payment_intent_data[metadata][payment]": str(ours.pk),
            "line_items[0][quantity]": "1",
            f"{price}[currency]": "usd",
            f"{price}[unit_amount]": "500",
            f"{price}[product_data][name]": "Something else",
            "success_url": "http://localhost/shop",
        },
    ).json()
    till.emulator.pay(made["url"])
    (event,) = till.emulator.events(made["id"], COMPLETED)
    found = deliver(event)
    assert (found.status, "no payment of ours" in found.error) == ("parked", True)
    assert "ALERT" in caplog.text
    assert (till.balance(), fresh(ours).status) == (0, "open")


def test_an_intent_pays_once_whatever_session_claims_it(till):
    first, second = till.paid(), till.paid()
    payment_check(payment=first)
    till.forge(second, payment_intent=fresh(first).payment_intent_id)
    event = deliver(till.event(second))
    assert (event.status, event.attempts) == ("waiting", 1)
    assert (till.balance(), fresh(second).status) == (2000 * CENT, "open")


def test_the_return_page_does_not_hammer_stripe(till, settings):
    settings.STRIPE_REFRESH_S = 3600
    payment = till.paid()
    assert payment_refresh(payment=payment).status == "open"
    settings.STRIPE_REFRESH_S = 0
    assert payment_refresh(payment=payment).status == "paid"


def test_the_return_page_stands_an_outage(till):
    payment = till.paid()
    till.emulator.control("trouble", times=99, status=500)
    assert payment_refresh(payment=payment).status == "open"
    till.emulator.control("trouble")
    assert payment_refresh(payment=payment).status == "paid"


def test_ids_cannot_be_guessed(till):
    first, second = till.start().pk, till.start().pk
    assert isinstance(first, UUID)
    assert bin(first.int ^ second.int).count("1") > 10
