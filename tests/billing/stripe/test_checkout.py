"""A payment is ours first, then Stripe's; whatever Stripe does, nobody is credited by starting one."""

import pytest
from django.db import transaction

from billing.models import Payment, StripeCustomer
from billing.stripe.checkout import DOWN, REFUSED, checkout_open
from billing.stripe.customer import customer_ensure
from billing.stripe.errors import PaymentRefused
from tests.billing.stripe.conftest import at_once
from xroute.embedded.home import free_port


def rows(till) -> int:
    return Payment.objects.filter(workspace_id=till.person.workspace_id).count()


@pytest.mark.parametrize("amount_cents", [500, 2000, 10_000_00])
def test_stripe_is_asked_for_exactly_this_amount_in_usd(till, settings, amount_cents):
    payment = till.start(amount_cents)
    assert (payment.status, payment.error, payment.amount_nanousd) == ("open", "", amount_cents * 10**7)
    session = till.emulator.session(payment.session_id)
    assert (session["amount_total"], session["currency"], session["url"]) == (amount_cents, "usd", payment.url)
    assert session["client_reference_id"] == str(payment.pk)
    assert session["success_url"].startswith(f"{settings.PUBLIC_URL}/credits/payments/{payment.pk}")
    assert session["cancel_url"].startswith(f"{settings.PUBLIC_URL}/credits/payments/{payment.pk}")
    assert payment.url.startswith(settings.STRIPE_CHECKOUT_ORIGIN)
    assert till.balance() == 0


@pytest.mark.parametrize("amount_cents", [499, 10_000_01, 0, -2000, True, 500.0, "500", None])
def test_other_amounts_are_refused_before_anything_happens(till, amount_cents):
    with pytest.raises(PaymentRefused, match=r"from \$5\.00 to \$10,000\.00"):
        till.start(amount_cents)
    assert rows(till) == 0


def test_a_workspace_is_one_customer_also_at_once(till):
    payments = at_once(*[till.start] * 6)
    assert len({till.emulator.session(payment.session_id)["customer"] for payment in payments}) == 1
    assert len({payment.session_id for payment in payments}) == 6
    assert till.start().session_id
    assert StripeCustomer.objects.filter(workspace_id=till.person.workspace_id).count() == 1


def test_a_new_payment_opened_by_two_at_once_is_one_page(till):
    till.emulator.control("trouble", times=99, status=500)
    payment = till.start()
    till.emulator.control("trouble")
    opened = at_once(*[lambda: checkout_open(payment=Payment.objects.get(pk=payment.pk))] * 2)
    assert len({(found.session_id, found.url) for found in opened}) == 1
    assert opened[0].url


def test_twenty_first_payments_at_once_know_one_customer(till):
    till.emulator.control("trouble", times=99, status=500)
    payment = till.start()
    till.emulator.control("trouble")
    found = at_once(*[lambda: customer_ensure(payment=Payment.objects.get(pk=payment.pk))] * 20)
    assert set(found) == {StripeCustomer.objects.get(workspace_id=till.person.workspace_id).customer_id}


def test_a_customer_deleted_at_stripe_is_made_anew(till):
    first = till.emulator.session(till.start().session_id)["customer"]
    till.emulator.control(f"objects/{first}", deleted=True)
    payment = till.start()
    assert payment.error == ""
    assert till.emulator.session(payment.session_id)["customer"] != first
    assert StripeCustomer.objects.get(workspace_id=till.person.workspace_id).customer_id != first


def test_stripe_down_leaves_the_payment_open_with_a_clear_error(till):
    till.emulator.control("trouble", times=99, status=500)
    payment = till.start()
    assert (payment.status, payment.url, payment.session_id, payment.error) == ("open", "", None, DOWN)
    till.emulator.control("trouble")
    again = checkout_open(payment=payment)
    assert (again.pk, again.error) == (payment.pk, "")
    assert till.emulator.page(again.url).status_code == 200
    assert (rows(till), till.balance()) == (1, 0)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_short_outage_is_bridged_by_the_library(till, status):
    till.emulator.control("trouble", times=1, status=status, after=True)
    assert till.start().error == ("" if status != 429 else DOWN)


def test_an_unknown_outcome_never_makes_a_second_session(till):
    till.start()
    till.emulator.control("trouble", times=99, status=500, path="/v1/checkout", after=True)
    payment = till.start()
    assert (payment.status, payment.error) == ("open", DOWN)
    till.emulator.control("trouble")
    opened = at_once(*[lambda: checkout_open(payment=Payment.objects.get(pk=payment.pk)).session_id] * 4)
    customer = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).customer_id
    listed = till.emulator.call("GET", "/v1/checkout/sessions", {"customer": customer, "limit": "100"}).json()["data"]
    mine = [session["id"] for session in listed if session["client_reference_id"] == str(payment.pk)]
    assert len(set(opened)) == 1
    assert mine == [opened[0]]


def test_no_answer_at_all_is_stripe_down_too(till, settings):
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    settings.STRIPE_RETRIES_MAX = 0
    payment = till.start()
    assert (payment.status, payment.error, till.balance()) == ("open", DOWN, 0)


def test_a_slow_stripe_is_not_waited_for_without_end(till, settings):
    settings.STRIPE_TIMEOUT_S, settings.STRIPE_RETRIES_MAX = 0.2, 0
    till.emulator.control("trouble", times=1, wait_s=3)
    assert till.start().error == DOWN


def test_a_definite_refusal_ends_the_payment_and_tells_the_operator(till, settings, caplog):
    settings.STRIPE_SECRET_KEY = "sk_test_emulator_revoked_by_the_operator"
    payment = till.start()
    assert (payment.status, payment.error, payment.url) == ("failed", REFUSED, "")
    assert "ALERT" in caplog.text
    assert "revoked_by" not in caplog.text


def test_without_a_key_payments_are_off(till, settings):
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(PaymentRefused, match="switched off"):
        till.start()
    assert rows(till) == 0


def test_stripe_is_never_called_inside_a_transaction(till):
    with transaction.atomic(), pytest.raises(RuntimeError):
        till.start()
    payment = till.start()
    Payment.objects.filter(pk=payment.pk).update(url="", session_id=None)
    payment.refresh_from_db()
    with transaction.atomic(), pytest.raises(RuntimeError, match="never called inside a transaction"):
        checkout_open(payment=payment)


def test_there_is_an_end_to_tries(till, settings):
    settings.STRIPE_CHECKOUTS_MAX = 2
    till.start(), till.start()
    with pytest.raises(PaymentRefused, match="Too many"):
        till.start()
