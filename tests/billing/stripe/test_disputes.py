"""Promise 11, disputes: taken by delta, given back when won, never more than the payment together with refunds."""

import random
from functools import partial

import httpx
import pytest

from accounts.models import OutgoingMail, User
from billing.models import CreditAccount, Dispute, StripeEvent
from billing.stripe.events import event_process
from billing.stripe.refunds import refund_start
from tests.billing.stripe.conftest import at_once, post
from tests.billing.stripe.reversing import (
    CENT,
    at_stripe,
    deliver,
    dispute,
    events_of,
    held,
    moves,
    paid,
    with_fee_and_tax,
)


def move(till, found: dict, status: str) -> dict:
    return till.emulator.control(f"dispute/{found['id']}", status=status)


def newest(till, found: dict) -> None:
    """Deliver what has come about it so far."""
    assert {event.status for event in deliver(events_of(till, found["id"]))} == {"done"}


def mails(till) -> list[str]:
    to = User.objects.get(pk=till.person.user_id).email
    told = OutgoingMail.objects.filter(to_email=to).exclude(subject__startswith="Receipt")
    subjects = told.order_by("id").values_list("subject", flat=True)
    return [subject.partition(" · ")[0] for subject in subjects]


def test_opened_takes_won_gives_back_and_each_once(till):
    payment = paid(till)
    found = dispute(till, payment)
    newest(till, found)
    assert (till.balance(), held(found)) == (0, 2000 * CENT)
    move(till, found, "under_review")
    newest(till, found)
    assert till.balance() == 0
    move(till, found, "won")
    for _ in range(2):
        newest(till, found)
    row = Dispute.objects.get(pk=found["id"])
    assert (till.balance(), held(found), row.moves) == (2000 * CENT, 0, 2)
    assert row.closed_at is not None
    assert mails(till) == ["A payment is disputed", "A disputed payment was decided in our favour"]
    account = CreditAccount.objects.get(pk=till.person.account_id)
    assert account.paid_in == 2000 * CENT


def test_lost_stays_taken_and_may_still_be_won(till):
    found = dispute(till, paid(till))
    newest(till, found)
    move(till, found, "lost")
    newest(till, found)
    assert (till.balance(), held(found)) == (0, 2000 * CENT)
    move(till, found, "won")
    newest(till, found)
    assert (till.balance(), held(found)) == (2000 * CENT, 0)


def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(till):
    payment = paid(till)
    found = dispute(till, payment, status="warning_needs_response")
    newest(till, found)
    assert (till.balance(), held(found)) == (2000 * CENT, 0)
    move(till, found, "needs_response")
    newest(till, found)
    assert till.balance() == 0
    assert mails(till) == ["A bank asks about a payment", "A payment is disputed"]
    other = dispute(till, paid(till), status="warning_needs_response")
    move(till, other, "warning_closed")
    newest(till, other)
    assert (held(other), mails(till)[-1]) == (0, "A dispute has ended")


@pytest.mark.parametrize("seed", range(3))
def test_all_events_of_a_life_at_once_and_in_any_order(till, seed):
    payment = paid(till)
    found = dispute(till, payment, status="warning_needs_response")
    for status in ("needs_response", "under_review", "lost", "won"):
        move(till, found, status)
    events = events_of(till, found["id"])
    assert len(events) >= 7
    for event in events:
        assert post(event).status_code == 200
    works = [partial(event_process, event_id=event["id"]) for event in events] * 3
    random.Random(seed).shuffle(works)
    at_once(*works[:21])
    for event in events:
        event_process(event_id=event["id"])
    assert {StripeEvent.objects.get(pk=event["id"]).status for event in events} == {"done"}
    assert (till.balance(), held(found)) == (2000 * CENT, 0)


def test_an_older_answer_that_is_applied_later_changes_nothing(till, monkeypatch):
    """Its handler asked Stripe, and was slow; meanwhile the dispute was won."""
    payment = paid(till)
    found = dispute(till, payment)
    (first, *_) = events_of(till, found["id"])
    from billing.stripe import client

    asked = client.dispute_retrieve

    def slow(dispute_id, **values):
        answer = asked(dispute_id, **values)
        monkeypatch.setattr("billing.stripe.client.dispute_retrieve", asked)
        move(till, found, "won")
        deliver(event for event in events_of(till, found["id"]) if event["id"] != first["id"])
        return answer

    monkeypatch.setattr("billing.stripe.client.dispute_retrieve", slow)
    assert deliver([first])[0].status == "done"
    assert (Dispute.objects.get(pk=found["id"]).status, till.balance()) == ("won", 2000 * CENT)


def test_a_dispute_after_a_refund_takes_the_rest(till):
    payment = paid(till)
    refund_start(payment=payment, amount_cents=500, reason="r", user=None)
    found = dispute(till, payment, amount=2000)  # some banks take it all
    newest(till, found)
    assert (till.balance(), held(found)) == (0, 1500 * CENT)
    move(till, found, "won")
    newest(till, found)
    assert till.balance() == 1500 * CENT


def test_a_refund_that_fails_under_a_dispute_is_held_by_it(till):
    payment = paid(till)
    refund = refund_start(payment=payment, amount_cents=500, reason="r", user=None)
    found = dispute(till, payment, amount=2000)
    newest(till, found)
    till.emulator.control(f"refund/{refund.stripe_id}", status="failed")
    deliver(events_of(till, refund.stripe_id))
    assert (till.balance(), held(found)) == (0, 2000 * CENT)


def test_the_dashboards_refund_of_a_disputed_payment_takes_no_more_than_the_payment(till):
    payment = paid(till)
    inquiry = dispute(till, payment, status="warning_needs_response")
    refund = at_stripe(till, payment, amount=700)  # possible while it is an inquiry
    move(till, inquiry, "needs_response")
    till.emulator.control(f"objects/{inquiry['id']}", amount=2000)
    newest(till, inquiry)
    assert (till.balance(), held(inquiry)) == (0, 2000 * CENT)
    deliver(events_of(till, refund["id"]))
    assert (till.balance(), held(inquiry)) == (0, 1300 * CENT)


def test_fee_and_tax_are_held_and_given_back_with_it(till):
    payment = with_fee_and_tax(paid(till, 1000), 70, 190)
    found = dispute(till, payment, amount=1260)
    newest(till, found)
    row = Dispute.objects.get(pk=found["id"])
    assert (row.held_credit_nanousd, row.held_fee_nanousd, row.held_tax_nanousd) == (1000 * CENT, 70 * CENT, 190 * CENT)
    move(till, found, "won")
    newest(till, found)
    assert sorted(moves(f"dispute:{found['id']}").values_list("idempotency_key", flat=True)) == sorted(
        f"dispute:{found['id']}:{number}:{part}" for number in (1, 2) for part in ("credit", "fee", "tax")
    )


def test_a_disputed_payment_cannot_be_refunded_here(till):
    payment = paid(till)
    newest(till, dispute(till, payment))
    from billing.stripe.errors import PaymentRefused

    with pytest.raises(PaymentRefused, match="held by a dispute"):
        refund_start(payment=payment, amount_cents=1, reason="r", user=None)


def test_what_a_dispute_gave_back_can_be_refunded_and_then_no_loss_takes_it_again(till):
    payment = with_fee_and_tax(paid(till), 60, 412)
    found = dispute(till, payment, amount=2000)
    newest(till, found)
    move(till, found, "won")
    newest(till, found)
    row = refund_start(payment=payment, amount_cents=1236, reason="r", user=None)  # half of all that was paid
    assert (row.status, row.fee_nanousd, row.tax_nanousd) == ("succeeded", 30 * CENT, 206 * CENT)
    assert till.balance() == 1000 * CENT
    deliver(events_of(till, str(row.stripe_id)))
    assert till.balance() == 1000 * CENT
    move(till, found, "lost")
    newest(till, found)
    assert till.balance() == 0
    assert row.credit_nanousd + held(found) == 2000 * CENT


def test_a_negative_balance_blocks_the_next_call(till, web):
    payment = paid(till)
    call = {"model": "sandbox/echo", "messages": [{"role": "user", "content": "Hello"}]}

    def answer() -> httpx.Response:
        return httpx.post(
            f"{web.url}/openai/v1/chat/completions", json=call, headers=till.person.headers, trust_env=False, timeout=60
        )

    assert answer().status_code == 200
    newest(till, dispute(till, payment))
    assert till.balance() < 0
    refused = answer()
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "insufficient_credits")


def test_a_dispute_of_live_mode_or_of_another_status_is_parked(till):
    found = dispute(till, paid(till))
    for change, says in (({"livemode": True}, "livemode"), ({"livemode": False, "status": "odd"}, "unknown status")):
        till.emulator.control(f"objects/{found['id']}", **change)
        event = events_of(till, found["id"])[0]
        (stored,) = deliver([event | {"id": f"{event['id']}{says[:3]}"}])
        assert (stored.status, says in stored.error) == ("parked", True)
    assert till.balance() == 2000 * CENT
