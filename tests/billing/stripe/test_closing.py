"""A workspace that is closed: what was paid and not spent goes back through Stripe, and its card is forgotten there."""

import pytest

from accounts.models import Membership, User, Workspace
from accounts.services import workspace_create
from billing import ledger
from billing.closing import ClosingRefused, workspace_close
from billing.closing_refunds import closing_refundable_cents
from billing.models import CreditAccount, Refund, StripeCustomer, Transfer, TransferKind
from billing.models.ledger import House
from billing.refundable import payment_refundable
from billing.stripe.cards import closed_cards_remove
from billing.stripe.events import event_process
from billing.stripe.refunds import refund_ask, refund_start
from billing.stripe.settle import payment_check
from tests.billing.stripe.conftest import post
from tests.cast import USD


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("billing.closing.RECALL_S", 0.2)


@pytest.fixture
def workspace(till):
    Membership.objects.filter(workspace_id=till.person.workspace_id).update(role="owner")
    return Workspace.objects.get(pk=till.person.workspace_id)


def close(till, workspace) -> None:
    workspace_close(workspace=workspace, user=User.objects.get(pk=till.person.user_id), choice="refund")


def spend(till, amount_nanousd: int) -> None:
    ledger.credit_take(
        account_id=till.person.account_id,
        target=House.REVENUE,
        amount_nanousd=amount_nanousd,
        kind=TransferKind.CORRECTION,
        idempotency_key=f"spent:{till.person.account_id}",
    )


def at_stripe(till, refund: Refund) -> dict:
    return till.emulator.call("GET", f"/v1/refunds/{refund.stripe_id}").json()


def test_the_unspent_part_of_several_payments_goes_back_the_newest_first(till, workspace):
    first, second = (payment_check(payment=till.paid(cents)) for cents in (1000, 2000))
    ledger.credit_add(
        account_id=till.person.account_id, source=House.PROMOTIONS, amount_nanousd=3 * USD,
        kind=TransferKind.PROMOTION, idempotency_key=f"gift:{workspace.pk}",
    )  # fmt: skip
    spend(till, 8 * USD)  # three of the gift, five that were paid
    assert closing_refundable_cents(workspace=workspace) == 2500
    close(till, workspace)
    refunds = list(Refund.objects.filter(payment__workspace=workspace).order_by("created_at"))
    assert [(one.payment_id, one.amount_cents, one.origin) for one in refunds] == [
        (second.pk, 2000, "closing"),
        (first.pk, 500, "closing"),
    ]
    assert [at_stripe(till, one)["amount"] for one in refunds] == [2000, 500]
    assert till.balance() == 0
    assert not Transfer.objects.filter(kind="forfeit", debit_account_id=till.person.account_id).exists()


def test_what_was_given_is_given_up(till, workspace):
    payment_check(payment=till.paid(1000))
    ledger.credit_add(
        account_id=till.person.account_id, source=House.PROMOTIONS, amount_nanousd=3 * USD,
        kind=TransferKind.PROMOTION, idempotency_key=f"gift:{workspace.pk}",
    )  # fmt: skip
    close(till, workspace)
    assert Refund.objects.get(payment__workspace=workspace).amount_cents == 1000
    forfeited = Transfer.objects.get(kind="forfeit", debit_account_id=till.person.account_id)
    assert (forfeited.amount, till.balance()) == (3 * USD, 0)


def test_where_stripe_is_silent_it_is_closed_and_asked_again(till, workspace):
    payment_check(payment=till.paid(1000))
    till.emulator.control("trouble", times=9, status=500, path="/v1/refunds")
    close(till, workspace)
    refund = Refund.objects.get(payment__workspace=workspace)
    assert (refund.status, till.balance()) == ("asked", 0)
    till.emulator.control("trouble")
    Refund.objects.filter(pk=refund.pk).update(checked_at="2026-01-01T00:00:00Z", created_at="2026-01-01T00:00:00Z")
    refund_ask(refund=refund)
    refund.refresh_from_db()
    assert (refund.status, at_stripe(till, refund)["amount"]) == ("succeeded", 1000)


def test_the_saved_card_is_forgotten_at_stripe_now_or_by_the_sweep(till, workspace):
    payment = till.start(save_card=True)
    till.emulator.pay(payment.url)
    payment = payment_check(payment=payment)
    row = StripeCustomer.objects.get(workspace=workspace)
    assert row.payment_method_id
    till.emulator.control("trouble", times=9, status=500, path="/v1/payment_methods")
    close(till, workspace)
    assert StripeCustomer.objects.get(workspace=workspace).payment_method_id == row.payment_method_id
    till.emulator.control("trouble")
    closed_cards_remove()
    assert StripeCustomer.objects.get(workspace=workspace).payment_method_id == ""
    method = till.emulator.call("GET", f"/v1/payment_methods/{row.payment_method_id}").json()
    assert method["customer"] is None
    assert CreditAccount.objects.get(workspace=workspace).posted == 0
    assert payment.status == "paid"


def test_what_was_moved_follows_its_payment_back_and_gifts_stay(till, workspace):
    payment = payment_check(payment=till.paid(1000))
    ledger.credit_add(
        account_id=till.person.account_id, source=House.PROMOTIONS, amount_nanousd=3 * USD,
        kind=TransferKind.PROMOTION, idempotency_key=f"gift:{workspace.pk}",
    )  # fmt: skip
    user = User.objects.get(pk=till.person.user_id)
    other = workspace_create(owner=user, name="other")
    workspace_close(workspace=workspace, user=user, choice="move", target=other)
    account = CreditAccount.objects.get(workspace=other)
    assert (till.balance(), account.posted) == (0, 10 * USD)
    assert payment_refundable(payment).cents == 1000
    refund_start(payment=payment, amount_cents=400, reason="r", user=None)
    found = till.emulator.control("dispute", payment_intent=payment.payment_intent_id)
    for event in till.emulator.events(found["id"]):
        post({name: value for name, value in event.items() if name not in ("state", "tries")})
        event_process(event_id=event["id"])
    account.refresh_from_db()
    assert (till.balance(), account.posted) == (0, 0)


def test_gifts_alone_cannot_be_moved(till, workspace):
    ledger.credit_add(
        account_id=till.person.account_id, source=House.PROMOTIONS, amount_nanousd=3 * USD,
        kind=TransferKind.PROMOTION, idempotency_key=f"gift:{workspace.pk}",
    )  # fmt: skip
    user = User.objects.get(pk=till.person.user_id)
    other = workspace_create(owner=user, name="other")
    with pytest.raises(ClosingRefused, match="Only credit that was paid for"):
        workspace_close(workspace=workspace, user=user, choice="move", target=other)


def test_checkouts_that_were_left_are_ended_and_hold_up_nothing(till, workspace):
    payment_check(payment=till.paid(1000))
    left = till.start(700)
    close(till, workspace)
    left.refresh_from_db()
    assert (left.status, till.emulator.session(left.session_id)["status"]) == ("expired", "expired")
    assert Workspace.objects.get(pk=workspace.pk).closed_at is not None
