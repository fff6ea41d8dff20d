"""Auto top-up: charged once when it is needed, never above the cap, never in a loop, and never twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Membership, OutgoingMail, User, Workspace
from billing import ledger
from billing.auto_top_up import (
    auto_capped,
    auto_payment_reserve,
    auto_top_up_resume,
    auto_top_up_save,
    spent_this_month_cents,
)
from billing.models import AutoTopUp, Payment, StripeCustomer, StripeEvent, Transfer
from billing.models.ledger import House, TransferKind
from billing.stripe.auto import auto_charge, auto_sweep, taxes_file
from billing.stripe.cards import card_remove
from billing.stripe.errors import StripeDown
from billing.stripe.events import event_process
from billing.stripe.settle import payment_check
from billing.stripe.sweeps import payments_sweep
from tests.billing.stripe.conftest import at_once, post
from tests.emulator import GOOD

CENT = 10_000_000
LATER_DECLINED, LATER_ASKED = "4000000000000341", "4000002500003155"


@pytest.fixture
def card(till, settings):
    """Save a card by paying with it once (20 USD); then only auto top-ups are looked at."""

    def save(number: str = GOOD, threshold_cents: int = 2500, amount_cents: int = 1000, cap_cents: int = 5000) -> None:
        settings.STRIPE_REFRESH_S = 0
        payment = till.start(save_card=True)
        assert till.emulator.pay(payment.url, number).status_code == 303
        assert payment_check(payment=payment).status == "paid"
        choose(till, threshold_cents, amount_cents, cap_cents)

    yield save
    AutoTopUp.objects.filter(workspace_id=till.person.workspace_id).update(enabled=False)
    for what in ("charges", "tax"):
        till.emulator.control(what)


def choose(till, threshold_cents: int, amount_cents: int, cap_cents: int) -> None:
    auto_top_up_save(
        workspace=Workspace.objects.get(pk=till.person.workspace_id),
        user=User.objects.get(pk=till.person.user_id),
        enabled=True,
        threshold_nanousd=threshold_cents * CENT,
        amount_cents=amount_cents,
        monthly_cap_cents=cap_cents,
    )


def autos(till) -> list[Payment]:
    mine = Payment.objects.filter(workspace_id=till.person.workspace_id, origin="auto")
    return list(mine.order_by("created_at"))


def chosen(till) -> AutoTopUp:
    return AutoTopUp.objects.get(workspace_id=till.person.workspace_id)


def charges(till) -> list[dict]:
    """What Stripe itself was asked for, off-session."""
    customer = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).customer_id
    listed = till.emulator.call("GET", "/v1/payment_intents", {"customer": customer, "limit": "100"}).json()["data"]
    return [intent for intent in listed if intent["metadata"].get("payment") in {str(row.pk) for row in autos(till)}]


def mails(till) -> list[str]:
    email = User.objects.get(pk=till.person.user_id).email
    told = OutgoingMail.objects.filter(to_email=email).exclude(subject__startswith="Receipt")
    return list(told.order_by("id").values_list("subject", flat=True))


def test_credit_below_the_level_is_bought_once(till, card):
    card()
    assert auto_sweep() == 1
    (payment,) = autos(till)
    assert payment.paid_by == "Visa card ending in 4242"
    assert (payment.status, payment.total_cents, payment.credited_nanousd) == ("paid", 1000, 1000 * CENT)
    assert (till.balance(), len(charges(till))) == (3000 * CENT, 1)
    for _ in range(5):
        assert auto_sweep() == 0
    assert (till.balance(), len(charges(till)), mails(till)) == (3000 * CENT, 1, [])


@pytest.mark.parametrize("why", ["above", "off", "paused", "no card", "suspended"])
def test_nobody_is_charged_without_need_or_leave(till, card, why):
    card(threshold_cents=2000 if why == "above" else 2500)
    mine = {"workspace_id": till.person.workspace_id}
    if why == "off":
        AutoTopUp.objects.filter(**mine).update(enabled=False)
    elif why == "paused":
        AutoTopUp.objects.filter(**mine).update(paused_at=Now())
    elif why == "no card":
        StripeCustomer.objects.filter(**mine).update(payment_method_id="")
    elif why == "suspended":
        Workspace.objects.filter(pk=till.person.workspace_id).update(suspended=True)
    assert auto_sweep() == 0
    assert (autos(till), till.balance()) == ([], 2000 * CENT)


def test_many_workers_at_once_charge_once(till, card):
    card()
    at_once(*[auto_sweep] * 8)
    assert (len(autos(till)), len(charges(till)), till.balance()) == (1, 1, 3000 * CENT)


def test_the_same_payment_at_once_is_one_charge(till, card):
    card()
    payment = auto_payment_reserve(workspace_id=till.person.workspace_id)
    assert auto_payment_reserve(workspace_id=till.person.workspace_id) is None
    at_once(*[lambda: auto_charge(payment=Payment.objects.get(pk=payment.pk))] * 6)
    assert (len(charges(till)), till.balance()) == (1, 3000 * CENT)


@pytest.mark.parametrize(
    ("number", "said"), [(LATER_DECLINED, "declined the card"), (LATER_ASKED, "wants you to confirm")]
)
def test_a_declined_card_is_tried_once_then_paused_and_told_once(till, card, number, said):
    card(number)
    for _ in range(6):
        auto_sweep()
        payments_sweep()
    at_once(*[auto_sweep] * 4)
    (payment,) = autos(till)
    assert payment.status == "failed"
    assert said in payment.error
    assert said in chosen(till).pause_reason
    assert (len(charges(till)), mails(till).count(mails(till)[0]), len(mails(till))) == (1, 1, 1)
    assert mails(till)[0].startswith("Auto top-up is paused")
    assert till.balance() == 2000 * CENT


def test_resuming_is_one_more_try(till, card):
    card(LATER_DECLINED)
    auto_sweep()
    workspace, user = Workspace.objects.get(pk=till.person.workspace_id), User.objects.get(pk=till.person.user_id)
    assert auto_top_up_resume(workspace=workspace, user=user)
    for _ in range(4):
        auto_sweep()
    assert (len(charges(till)), len(mails(till)), chosen(till).paused_at is None) == (2, 2, False)


def test_members_are_not_mailed(till, card, make_person):
    member = make_person(workspace_id=till.person.workspace_id, role="member")
    admin = make_person(workspace_id=till.person.workspace_id, role="admin")
    card(LATER_DECLINED)
    auto_sweep()
    told = [
        OutgoingMail.objects.filter(to_email=User.objects.get(pk=who.user_id).email).count() for who in (member, admin)
    ]
    assert told == [0, 1]
    assert Membership.objects.filter(workspace_id=till.person.workspace_id).count() == 3


def test_an_expired_card_pauses(till, card):
    card()
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    kept = till.emulator.call("GET", f"/v1/payment_methods/{method}").json()["card"]
    till.emulator.control(f"objects/{method}", card=kept | {"exp_year": 2020})
    auto_sweep(), auto_sweep()
    assert [payment.error for payment in autos(till)] == ["The card has expired. Nothing was charged."]
    assert (chosen(till).paused_at is None, till.balance()) == (False, 2000 * CENT)


def test_a_card_that_stripe_no_longer_has_pauses(till, card):
    card()
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    till.emulator.call("POST", f"/v1/payment_methods/{method}/detach")
    auto_sweep(), auto_sweep()
    assert "no longer has this card" in chosen(till).pause_reason
    assert (len(charges(till)), till.balance()) == (0, 2000 * CENT)


@pytest.mark.parametrize("after", [False, True], ids=["never reached it", "answer lost"])
def test_a_lost_answer_is_asked_for_again_under_the_same_key(till, card, settings, after):
    settings.STRIPE_RETRIES_MAX = 0
    card()
    till.emulator.control("trouble", times=1, status=500, path="/v1/payment_intents", after=after)
    auto_sweep()
    (payment,) = autos(till)
    assert (payment.status, payment.payment_intent_id, till.balance()) == ("open", None, 2000 * CENT)
    assert auto_sweep() == 0  # another is not begun while this one is unknown
    till.emulator.control("trouble")
    for _ in range(3):
        Payment.objects.filter(pk=payment.pk).update(checked_at=Now() - timedelta(hours=2))
        payments_sweep()
    assert (len(charges(till)), till.balance(), autos(till)[0].status) == (1, 3000 * CENT, "paid")


def test_a_lost_answer_is_learnt_from_the_event_too(till, card, settings):
    settings.STRIPE_RETRIES_MAX = 0
    card()
    till.emulator.control("trouble", times=1, status=500, path="/v1/payment_intents", after=True)
    auto_sweep()
    (intent,) = charges(till)
    (event,) = till.emulator.events(intent["id"], "payment_intent.succeeded")
    event = {name: value for name, value in event.items() if name not in ("state", "tries")}
    post(event)
    at_once(*[lambda: event_process(event_id=event["id"])] * 6)
    assert (len(charges(till)), till.balance()) == (1, 3000 * CENT)


def test_what_is_too_old_to_repeat_is_never_charged_again(till, card, settings):
    settings.STRIPE_RETRIES_MAX = 0
    card()
    till.emulator.control("trouble", times=1, status=500, path="/v1/payment_intents", after=True)
    auto_sweep()
    till.emulator.control("trouble")
    Payment.objects.filter(origin="auto").update(asked_at=Now() - timedelta(hours=21))
    payments_sweep(), auto_charge(payment=autos(till)[0])
    assert (autos(till)[0].status, len(charges(till)), chosen(till).paused_at is None) == ("parked", 1, False)


def test_a_foreign_intent_credits_nobody(till, card):
    """Somebody else's charge in the same Stripe account that names our payment."""
    card()
    payment = auto_payment_reserve(workspace_id=till.person.workspace_id)
    foreign = till.emulator.call("POST", "/v1/customers", {}).json()["id"]
    own = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    intent = charge_by_hand(till, own, payment)
    till.emulator.control(f"objects/{intent}", customer=foreign)
    (event,) = till.emulator.events(intent, "payment_intent.succeeded")
    post({name: value for name, value in event.items() if name not in ("state", "tries")})
    event_process(event_id=event["id"])
    assert (till.balance(), autos(till)[0].status) == (2000 * CENT, "open")
    auto_charge(payment=payment)


def charge_by_hand(till, own: StripeCustomer, payment: Payment) -> str:
    form = {"amount": "1000", "currency": "usd", "customer": own.customer_id, "confirm": "true", "off_session": "true"}
    form |= {"payment_method": own.payment_method_id, "metadata[payment]": str(payment.pk)}
    return till.emulator.call("POST", "/v1/payment_intents", form).json()["id"]


@pytest.mark.parametrize(("cap_cents", "times"), [(2999, 2), (3000, 3), (1000, 1)])
def test_the_cap_holds_to_the_cent(till, card, cap_cents, times):
    card(threshold_cents=10_000, cap_cents=cap_cents)
    for _ in range(6):
        at_once(*[auto_sweep] * 3)
    assert len(charges(till)) == times
    assert spent_this_month_cents(workspace_id=till.person.workspace_id) == times * 1000 <= cap_cents
    assert chosen(till).paused_at is None
    Payment.objects.filter(origin="auto", workspace_id=till.person.workspace_id).update(
        created_at=datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=1)
    )
    auto_sweep()  # last month's count no longer
    assert len(charges(till)) == times + 1


def test_fee_and_tax_count_against_the_cap_and_are_not_credited(till, card, settings):
    settings.XROUTE_STRIPE_TAX, settings.XROUTE_TOP_UP_FEE_MIN_CENTS = True, 80
    card(threshold_cents=10_000, cap_cents=2570)  # each line's tax is rounded by itself
    for _ in range(4):
        auto_sweep()
    assert [(row.status, row.fee_cents, row.tax_cents, row.total_cents) for row in autos(till)] == [
        ("paid", 80, 205, 1285),
        ("paid", 80, 205, 1285),
    ]
    assert till.balance() == 4000 * CENT
    kinds = (
        Transfer.objects.filter(reference=f"payment:{autos(till)[0].pk}").order_by("id").values_list("kind", "amount")
    )
    assert list(kinds) == [("top_up", 1000 * CENT), ("top_up_fee", 80 * CENT), ("tax", 205 * CENT)]
    assert taxes_file() >= 2
    assert [row.tax_transaction_id[:4] for row in autos(till)] == ["tax_", "tax_"]
    assert taxes_file() == 0


def test_tax_that_lifts_it_above_the_cap_is_reckoned_once_a_month(till, card, settings):
    settings.XROUTE_STRIPE_TAX = True
    card(cap_cents=1100)
    for _ in range(4):
        auto_sweep()
    assert [(row.status, row.tax_cents) for row in autos(till)] == [("expired", 190)]
    assert (charges(till), chosen(till).paused_at) == ([], None)


def test_tax_that_cannot_be_reckoned_pauses_with_the_reason_and_charges_nothing(till, card, settings):
    card()
    settings.XROUTE_STRIPE_TAX = True  # no address was asked for when the card was saved
    for _ in range(3):
        auto_sweep()
    (payment,) = autos(till)
    assert (payment.status, charges(till), till.balance()) == ("failed", [], 2000 * CENT)
    assert "Stripe does not know your address. Buy credit once by hand." in payment.error
    assert (chosen(till).pause_reason, chosen(till).paused_at is None) == (payment.error, False)
    assert [subject for subject in mails(till) if "paused" in subject] == ["Auto top-up is paused · XRoute"]


def told_of_card(till, kind: str) -> None:
    """Stripe's newest event of that kind about the saved card, or one that it sends now."""
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    if not till.emulator.events(method, kind):
        till.emulator.control(f"emit/{kind}/{method}")
    event = till.emulator.events(method, kind)[-1]
    post({name: value for name, value in event.items() if name not in ("state", "tries")})
    at_once(*[lambda: event_process(event_id=event["id"])] * 3)
    assert StripeEvent.objects.get(pk=event["id"]).status == "done"


@pytest.mark.parametrize("kind", ["payment_method.updated", "payment_method.automatically_updated"])
def test_a_card_that_its_bank_renewed_is_shown_as_it_is_now(till, card, kind):
    card()
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    renewed = till.emulator.call("GET", f"/v1/payment_methods/{method}").json()["card"] | {"exp_month": 1}
    till.emulator.control(f"objects/{method}", card=renewed | {"exp_year": 2041})
    told_of_card(till, kind)
    row = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    assert (row.payment_method_id, row.card_last4, row.card_expires) == (method, "4242", "01/2041")


def test_a_card_that_was_detached_at_stripe_is_forgotten_and_charged_no_more(till, card):
    card()
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    till.emulator.call("POST", f"/v1/payment_methods/{method}/detach")
    told_of_card(till, "payment_method.detached")
    row = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    assert (row.payment_method_id, row.card_brand, row.card_last4, row.card_expires) == ("", "", "", "")
    assert (auto_sweep(), charges(till)) == (0, [])


@pytest.mark.parametrize(("outcome", "status", "balance"), [("succeeded", "paid", 3000), ("failed", "failed", 2000)])
def test_a_slow_charge_ends_later(till, card, outcome, status, balance):
    card()
    till.emulator.control("charges", outcome="processing")
    auto_sweep()
    (payment,) = autos(till)
    assert (payment.status, till.balance(), auto_sweep()) == ("processing", 2000 * CENT, 0)
    till.emulator.control(f"settle/{payment.payment_intent_id}", outcome=outcome)
    kind = "payment_intent.succeeded" if outcome == "succeeded" else "payment_intent.payment_failed"
    (event,) = till.emulator.events(payment.payment_intent_id, kind)
    post({name: value for name, value in event.items() if name not in ("state", "tries")})
    at_once(*[lambda: event_process(event_id=event["id"])] * 4)
    assert (autos(till)[0].status, till.balance()) == (status, balance * CENT)
    assert (chosen(till).paused_at is None) == (outcome == "succeeded")


@pytest.mark.parametrize(
    "change", [{"livemode": True}, {"currency": "eur"}, {"amount_received": 999}, {"customer": "cus_x"}], ids=str
)
def test_a_charge_that_is_not_as_asked_is_parked(till, card, caplog, change):
    card()
    till.emulator.control("charges", outcome="processing")
    auto_sweep()
    (payment,) = autos(till)
    till.emulator.control(f"settle/{payment.payment_intent_id}", outcome="succeeded")
    till.emulator.control(f"objects/{payment.payment_intent_id}", **change)
    assert payment_check(payment=payment).status == "parked"
    assert (till.balance(), "ALERT" in caplog.text, chosen(till).paused_at is None) == (2000 * CENT, True, False)
    for _ in range(3):
        auto_sweep()
    assert len(autos(till)) == 1


def test_a_removed_card_is_gone_at_stripe_and_charges_end(till, card):
    card()
    method = StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id
    card_remove(workspace_id=till.person.workspace_id)
    row = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    assert (row.payment_method_id, row.card_last4, chosen(till).enabled) == ("", "", False)
    assert till.emulator.call("GET", f"/v1/payment_methods/{method}").json()["customer"] is None
    card_remove(workspace_id=till.person.workspace_id)


def test_a_card_is_not_forgotten_here_before_stripe_has(till, card):
    card()
    till.emulator.control("trouble", times=99, status=500, path="/v1/payment_methods")
    with pytest.raises(StripeDown):
        card_remove(workspace_id=till.person.workspace_id)
    till.emulator.control("trouble")
    row = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    assert (bool(row.payment_method_id), chosen(till).enabled) == (True, False)


def test_a_card_is_kept_by_choice_only(till):
    payment_check(payment=till.paid())
    assert StripeCustomer.objects.get(workspace_id=till.person.workspace_id).payment_method_id == ""
    payment = till.start(save_card=True)
    till.emulator.pay(payment.url)
    payment_check(payment=payment)
    row = StripeCustomer.objects.get(workspace_id=till.person.workspace_id)
    assert (row.card_brand, row.card_last4, row.card_expires) == ("visa", "4242", "12/2034")


def test_a_fee_is_a_line_of_its_own_and_not_credited(till, settings):
    settings.XROUTE_TOP_UP_FEE_PERCENT, settings.XROUTE_STRIPE_TAX = Decimal("5.5"), True
    payment = till.start(2001)
    assert payment.fee_cents == 111  # 110.055, rounded up
    till.emulator.pay(payment.url)
    items = till.emulator.call("GET", f"/v1/checkout/sessions/{payment.session_id}/line_items").json()["data"]
    assert [(item["description"], item["amount_subtotal"]) for item in items][1] == ("Top-up fee", 111)
    found = payment_check(payment=payment)
    tax = found.tax_cents
    assert (found.status, found.total_cents, tax) == ("paid", 2112 + tax, 380 + 21)
    assert till.balance() == 2001 * CENT


def test_the_ledger_moves_back_below_and_it_buys_again(till, card):
    card()
    auto_sweep()
    account = till.person.account_id
    ledger.credit_take(
        account_id=account,
        target=House.REVENUE,
        amount_nanousd=1500 * CENT,
        kind=TransferKind.CORRECTION,
        idempotency_key=f"spend:{account}",
    )
    auto_sweep()
    assert (len(charges(till)), till.balance()) == (2, 2500 * CENT)


def test_a_cap_that_stops_it_is_told_once_a_month_and_cap_and_stands_on_credits(till, card):
    card(threshold_cents=100_000, cap_cents=1500)
    assert auto_sweep() == 1  # 10 of 15 USD: the next does not fit
    for _ in range(3):
        assert auto_sweep() == 0
    subject = [one for one in mails(till) if "monthly cap" in one]
    assert len(subject) == 1
    capped = auto_capped(workspace_id=till.person.workspace_id)
    now = datetime.now(UTC)
    assert (capped.cap_cents, capped.until.month) == (1500, now.month)
    assert (capped.until + timedelta(days=1)).day == 1
    browser = Client()
    browser.force_login(User.objects.get(pk=till.person.user_id))
    page = browser.get("/credits").content.decode()
    assert "reached its monthly cap of $15.00" in page
    assert "Raise the cap" in page
    choose(till, 100_000, 1000, 1600)  # another cap, and still too low
    for _ in range(2):
        auto_sweep()
    assert len([one for one in mails(till) if "monthly cap" in one]) == 2
    AutoTopUp.objects.filter(workspace_id=till.person.workspace_id).update(capped_at=now - timedelta(days=40))
    auto_sweep()
    assert len([one for one in mails(till) if "monthly cap" in one]) == 3
    choose(till, 100_000, 1000, 50_000)
    assert auto_capped(workspace_id=till.person.workspace_id) is None
