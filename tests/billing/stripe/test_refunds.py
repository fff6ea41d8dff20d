"""Promise 11, refunds: ours and the dashboard's, each once, by delta, whatever fails in between."""

import io
import random
from datetime import timedelta
from functools import partial

import pypdf
import pytest
from django.db.models.functions import Now

from accounts.models import OutgoingMail, User
from billing import ledger
from billing.models import CreditAccount, CreditNote, Payment, Refund, StripeEvent, Transfer, TransferKind
from billing.models.ledger import House
from billing.papers.credit_notes import credit_note_pdf
from billing.refundable import payment_refundable
from billing.stripe.errors import PaymentRefused
from billing.stripe.events import event_process
from billing.stripe.refund_sweep import refunds_sweep
from billing.stripe.refunds import refund_start
from tests.billing.stripe.conftest import at_once, post
from tests.billing.stripe.reversing import (
    CENT,
    at_stripe,
    deliver,
    events_of,
    moves,
    paid,
    refunds,
    with_fee_and_tax,
)
from xroute.lib.ids import new_id

SLOW = "4000000000007726"


@pytest.fixture(autouse=True)
def no_retries(settings) -> None:
    settings.STRIPE_RETRIES_MAX = 0


def start(payment: Payment, cents: int, **more) -> Refund:
    return refund_start(payment=payment, amount_cents=cents, reason="asked for it", user=None, **more)


def spend(till, nanousd: int, key: str, kind: TransferKind = TransferKind.CORRECTION) -> None:
    ledger.credit_take(
        account_id=till.person.account_id,
        target=House.REVENUE,
        amount_nanousd=nanousd,
        kind=kind,
        idempotency_key=f"{key}:{till.person.account_id}",
    )


def promise(till, nanousd: int) -> None:
    key = f"gift:{till.person.account_id}"
    ledger.credit_add(
        account_id=till.person.account_id,
        source=House.PROMOTIONS,
        amount_nanousd=nanousd,
        kind=TransferKind.PROMOTION,
        idempotency_key=key,
    )


def overdue() -> None:
    then = Now() - timedelta(hours=3)
    Refund.objects.filter(status__in=("asked", "pending")).update(created_at=then, checked_at=then)


def test_in_part_and_then_the_rest(till):
    payment = paid(till)
    assert start(payment, 500).status == "succeeded"
    assert (till.balance(), refunds(payment)) == (1500 * CENT, [("operator", "succeeded", 500)])
    with pytest.raises(PaymentRefused, match=r"At most \$15.00 .* That is what is left"):
        start(payment, 1501)
    assert start(payment, 1500).status == "succeeded"
    assert till.balance() == 0
    with pytest.raises(PaymentRefused, match=r"At most \$0.00 .* gone back already"):
        start(payment, 1)
    assert till.emulator.charge(payment.payment_intent_id)["refunded"] is True
    account = CreditAccount.objects.get(pk=till.person.account_id)
    assert account.paid_in == 0


def test_fee_and_tax_go_back_in_proportion(till):
    payment = with_fee_and_tax(paid(till, 1000), 70, 190)
    till.emulator.control(f"objects/{till.emulator.charge(payment.payment_intent_id)['id']}", amount=1260)
    refund = start(payment, 630)
    assert (refund.credit_nanousd, refund.fee_nanousd, refund.tax_nanousd) == (500 * CENT, 35 * CENT, 95 * CENT)
    kinds = moves(f"refund:{refund.pk}").values_list("kind", "amount")
    assert list(kinds) == [("refund", 500 * CENT), ("top_up_fee", 35 * CENT), ("tax", 95 * CENT)]
    assert payment_refundable(payment).cents == 630


@pytest.mark.parametrize(
    ("gift", "spent", "most", "says"),
    [
        (0, 0, 2000, "what is left of this payment"),
        (500, 0, 2000, "what is left of this payment"),
        (500, 500, 2000, "what is left of this payment"),
        (500, 900, 1600, "spent first"),
        (0, 2000, 0, "No paid credit"),
    ],
)
def test_only_unspent_paid_credit_can_be_refunded(till, gift, spent, most, says):
    payment = paid(till)
    if gift:
        promise(till, gift * CENT)
    if spent:
        spend(till, spent * CENT, "spent")
    found = payment_refundable(payment)
    assert (found.cents, says in found.why) == (most, True)
    with pytest.raises(PaymentRefused, match="At most"):
        start(payment, most + 1)
    assert till.balance() == (2000 + gift - spent) * CENT


def test_a_definite_no_gives_the_credit_back(till, caplog):
    payment = paid(till)
    at_stripe(till, payment, amount=1500)  # Stripe knows, and we do not yet
    refund = start(payment, 1000)
    assert (refund.status, "greater than" in refund.error or "400" in refund.error) == ("failed", True)
    assert till.balance() == 2000 * CENT
    assert moves(f"refund:{refund.pk}").count() == 2
    assert "ALERT" in caplog.text


@pytest.mark.parametrize("after", [False, True])
def test_silence_keeps_it_asked_and_the_sweep_ends_it_once(till, after):
    payment = paid(till)
    till.emulator.control("trouble", times=1, status=500, path="/v1/refunds", after=after)
    refund = start(payment, 700)
    assert (refund.status, till.balance()) == ("asked", 1300 * CENT)
    assert refunds_sweep() == 0 or Refund.objects.get(pk=refund.pk).status == "asked"  # it was asked just now
    overdue()
    refunds_sweep()
    refund.refresh_from_db()
    assert (refund.status, till.balance()) == ("succeeded", 1300 * CENT)
    assert till.emulator.charge(payment.payment_intent_id)["amount_refunded"] == 700


def test_a_crash_before_stripe_was_asked_is_made_good(till, monkeypatch):
    payment = paid(till)
    with monkeypatch.context() as patch:
        patch.setattr("billing.stripe.refunds.client.refund_create", lambda **_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            start(payment, 700)
    assert refunds(payment) == [("operator", "asked", 700)]
    overdue()
    refunds_sweep()
    assert (refunds(payment), till.balance()) == ([("operator", "succeeded", 700)], 1300 * CENT)


def test_a_wrong_key_leaves_it_asked(till, settings):
    payment = paid(till)
    till.emulator.control("trouble", times=1, status=401, path="/v1/refunds")
    assert start(payment, 700).status == "asked"


def test_a_slow_refund_is_pending_and_can_fail(till):
    payment = paid(till, number=SLOW)
    refund = start(payment, 700)
    assert (refund.status, till.balance()) == ("pending", 1300 * CENT)
    till.emulator.control(f"refund/{refund.stripe_id}", status="failed")
    overdue()
    refunds_sweep()
    assert (refunds(payment), till.balance()) == ([("operator", "failed", 700)], 2000 * CENT)


def test_a_refund_that_fails_after_it_succeeded_gives_credit_back_once(till):
    payment = paid(till)
    refund = start(payment, 700)
    till.emulator.control(f"refund/{refund.stripe_id}", status="failed")
    events = events_of(till, refund.stripe_id)
    assert {event["type"] for event in events} >= {"refund.created", "refund.failed", "charge.refund.updated"}
    assert {event.status for event in deliver([*events, *reversed(events)])} == {"done"}
    assert (refunds(payment), till.balance()) == ([("operator", "failed", 700)], 2000 * CENT)
    assert start(payment, 2000).status == "succeeded"


def test_the_dashboards_refund_is_taken_whatever_the_balance(till):
    payment = paid(till)
    spend(till, 1900 * CENT, "spent")
    found = at_stripe(till, payment, amount=1500)
    deliver(events_of(till, found["id"]))
    assert (refunds(payment), till.balance()) == ([("stripe", "succeeded", 1500)], -1400 * CENT)


@pytest.mark.parametrize("seed", range(3))
def test_twenty_deliveries_at_once_take_once(till, seed):
    """Of three refunds in the dashboard, one of which failed, and of the charge: in any order, all at the same time."""
    payment = paid(till)
    made = [at_stripe(till, payment, amount=cents) for cents in (300, 500, 100)]
    till.emulator.control(f"refund/{made[1]['id']}", status="failed")
    charge = till.emulator.charge(payment.payment_intent_id)["id"]
    events = [event for one in made for event in events_of(till, one["id"])]
    events += [event for event in events_of(till, charge) if event["type"] == "charge.refunded"]
    for event in events:
        assert post(event).status_code == 200
    works = [partial(event_process, event_id=event["id"]) for event in events] * 2
    random.Random(seed).shuffle(works)
    at_once(*works[:24])
    for event in events:
        event_process(event_id=event["id"])
    assert {StripeEvent.objects.get(pk=event["id"]).status for event in events} == {"done"}
    assert sorted(refunds(payment)) == [
        ("stripe", "failed", 500),
        ("stripe", "succeeded", 100),
        ("stripe", "succeeded", 300),
    ]
    assert till.balance() == 1600 * CENT


@pytest.mark.parametrize("point", ["billing.ledger._balance_change", "billing.stripe.events._finish"])
def test_a_failure_of_ours_midway_takes_nothing_and_the_next_try_does(till, monkeypatch, point):
    payment = paid(till)
    (event,) = events_of(till, at_stripe(till, payment, amount=500)["id"])

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr(point, fail)
        assert deliver([event])[0].status == "waiting"
    assert (refunds(payment), till.balance()) == ([], 2000 * CENT)
    assert deliver([event])[0].status == "done"
    assert (refunds(payment), till.balance()) == ([("stripe", "succeeded", 500)], 1500 * CENT)


def test_a_refund_of_a_payment_that_we_do_not_know_as_paid_yet(till):
    payment = till.paid()
    intent = till.emulator.session(payment.session_id)["payment_intent"]["id"]
    found = till.emulator.control("refund", payment_intent=intent, amount=500)
    assert [event.status for event in deliver(events_of(till, found["id"]))] == ["done"]
    assert till.balance() == 1500 * CENT


def test_the_webhook_may_come_while_our_own_call_is_under_way(till, monkeypatch):
    """Stripe has made it; its event is processed before our call has its answer."""
    payment = paid(till)
    from billing.stripe import client

    asked = client.refund_create

    def slow(**values):
        answer = asked(**values)
        deliver(events_of(till, answer.id))
        assert refunds(payment) == [("operator", "succeeded", 700)]
        return answer

    monkeypatch.setattr("billing.stripe.refunds.client.refund_create", slow)
    assert start(payment, 700).status == "succeeded"
    assert (refunds(payment), till.balance()) == ([("operator", "succeeded", 700)], 1300 * CENT)


def tried(work) -> str:
    try:
        return work().status
    except (PaymentRefused, ledger.InsufficientCredits) as error:
        return type(error).__name__


def test_refunds_at_once_never_exceed_the_payment(till):
    payment = paid(till)
    other = paid(till)  # credit enough for more than one payment
    results = at_once(*[partial(tried, partial(start, payment, 600)) for _ in range(8)])
    assert sorted(results) == ["PaymentRefused"] * 5 + ["succeeded"] * 3
    assert till.balance() == (4000 - 1800) * CENT
    assert payment_refundable(other).cents == 2000


@pytest.mark.parametrize("seed", range(3))
def test_refund_against_usage_for_the_last_credit(till, seed):
    """Both cannot have it, and the balance stays at or above nothing."""
    payment = paid(till)

    def use(number: int) -> object:
        spend(till, 500 * CENT, f"use{number}", TransferKind.EXPIRY)
        return Refund(status="spent")

    works = [partial(tried, partial(use, number)) for number in range(4)]
    works += [partial(tried, partial(start, payment, 2000)) for _ in range(2)]
    random.Random(seed).shuffle(works)
    results = at_once(*works)
    spent, back = results.count("spent"), results.count("succeeded")
    assert till.balance() == (2000 - 500 * spent - 2000 * back) * CENT
    assert (spent, back) in {(4, 0), (0, 1)}


def test_the_guard_is_in_the_sql_and_the_account_is_locked_first(till, django_assert_max_num_queries):
    payment = paid(till)
    with django_assert_max_num_queries(60) as asked:
        start(payment, 100)
    said = [query["sql"] for query in asked.captured_queries]
    lock = next(i for i, sql in enumerate(said) if "billing_creditaccount" in sql and "FOR NO KEY UPDATE" in sql)
    walk = next(i for i, sql in enumerate(said) if "WITH walk" in sql)
    guard = next(i for i, sql in enumerate(said) if "posted - reserved >=" in sql)
    row = next(i for i, sql in enumerate(said) if 'FROM "billing_payment"' in sql and "FOR UPDATE" in sql)
    assert row < lock < walk < guard


def test_another_shops_refund_is_ignored_with_a_note_and_one_that_names_us_is_parked(till):
    payment = paid(till)
    ours = till.emulator.session(payment.session_id)["payment_intent"]["id"]
    before = till.balance()
    for metadata, status, says in (
        ({}, "ignored", "no payment of ours"),
        ({"payment": "00000000-0000-7000-8000-00000000dead"}, "parked", "which we do not have"),
        ({"payment": "nonsense"}, "parked", "which we do not have"),
        ({"payment": str(payment.pk)}, "parked", "was paid by"),
    ):
        strange = till.start(person=till.person)
        till.emulator.pay(strange.url)
        intent = till.emulator.session(strange.session_id)["payment_intent"]["id"]
        till.emulator.control(f"objects/{intent}", metadata=metadata)
        found = till.emulator.control("refund", payment_intent=intent, amount=500)
        (event,) = deliver(events_of(till, found["id"]))
        assert (event.status, says in event.error) == (status, True), event.error
    assert (till.balance(), ours) == (before, payment.payment_intent_id)
    assert not Transfer.objects.filter(debit_account_id=till.person.account_id, kind="refund").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [({"currency": "eur"}, "'eur'"), ({"status": "odd"}, "unknown status"), ({"amount": 2001}, "more than is left")],
)
def test_what_makes_no_sense_is_parked(till, change, says):
    payment = paid(till)
    found = at_stripe(till, payment, amount=500)
    till.emulator.control(f"objects/{found['id']}", **change)
    (event,) = deliver(events_of(till, found["id"]))
    assert (event.status, says in event.error) == ("parked", True)
    assert till.balance() == 2000 * CENT


def test_a_form_that_is_sent_eight_times_at_once_is_one_refund(till):
    payment, name = paid(till), new_id()
    made = at_once(*[lambda: start(payment, 500, refund_id=name)] * 8)
    assert {one.pk for one in made} == {name}
    assert (till.balance(), payment.refunds.count()) == (1500 * CENT, 1)
    listed = till.emulator.call("GET", "/v1/refunds", {"payment_intent": payment.payment_intent_id}).json()["data"]
    assert [one["amount"] for one in listed] == [500]


def test_a_final_refund_has_one_credit_note_and_one_mail_from_either_side_and_is_void_where_it_fails(till):
    payment = paid(till)
    ours = refund_start(payment=payment, amount_cents=500, reason="r", user=None)
    deliver(events_of(till, str(ours.stripe_id)))
    theirs = at_stripe(till, payment, amount=300)
    for _ in range(2):
        deliver(events_of(till, theirs["id"]))
    notes = list(CreditNote.objects.filter(refund__payment=payment).order_by("id"))
    assert [note.refund.amount_cents for note in notes] == [500, 300]
    first, second = (int(note.number[-6:]) for note in notes)
    assert second == first + 1
    to = User.objects.get(pk=till.person.user_id).email
    told = OutgoingMail.objects.filter(to_email=to, subject__startswith="Refund of").order_by("id")
    assert [mail.subject.partition(" · ")[0] for mail in told] == ["Refund of $5.00", "Refund of $3.00"]
    assert "The balance is $12.00 now" in told[1].text
    till.emulator.control(f"refund/{theirs['id']}", status="failed")
    deliver(events_of(till, theirs["id"]))
    assert told.last().subject.startswith("Refund of $3.00 failed")
    pages = pypdf.PdfReader(io.BytesIO(credit_note_pdf(CreditNote.objects.get(pk=notes[1].pk)))).pages
    assert "Void: the refund failed" in pages[0].extract_text()
    assert CreditNote.objects.filter(refund__payment=payment).count() == 2
