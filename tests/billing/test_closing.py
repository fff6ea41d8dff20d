"""Closing a workspace: refused while anything is open; its credit goes where it should, and nothing acts after."""

import asyncio
import time
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, Invitation, Membership, User, Workspace
from accounts.services import workspace_create
from accounts.services_invitations import InvitationOver, invitation_accept, invitation_create
from billing.closing import ClosingRefused, closing_cancel, closings_sweep, workspace_close
from billing.models import (
    AutoTopUp,
    BillingDetails,
    Closing,
    CreditAccount,
    Dispute,
    Payment,
    Refund,
    Transfer,
    UsageRecord,
)
from billing.overview import closed_with_balance
from billing.stripe.checkout import checkout_start
from billing.stripe.errors import PaymentRefused
from billing.stripe.settle import payment_check
from tests.billing.test_adjustments import owe, reserve
from tests.billing.test_ledger import at_once
from tests.cast import USD


@pytest.fixture(autouse=True)
def committing(django_db_blocker, monkeypatch):
    monkeypatch.setattr("billing.closing.RECALL_S", 0.2)
    with django_db_blocker.unblock():
        yield


def user_of(person) -> User:
    return User.objects.get(pk=person.user_id)


def workspace_of(person) -> Workspace:
    return Workspace.objects.get(pk=person.workspace_id)


def close(person, **values):
    values.setdefault("choice", "forfeit")
    workspace = workspace_of(person)
    values.setdefault("name_typed", workspace.name)
    return workspace_close(workspace=workspace, user=user_of(person), **values)


def posted(person) -> int:
    return CreditAccount.objects.get(pk=person.account_id).posted


def refusal(person, **values) -> str:
    with pytest.raises(ClosingRefused) as caught:
        close(person, **values)
    assert workspace_of(person).closed_at is None
    assert workspace_of(person).closing_at is None
    assert ApiKey.objects.get(pk=person.key_id).revoked_at is None
    return str(caught.value)


def payment(person, **values) -> Payment:
    values = {"amount_cents": 500, "amount_nanousd": 5 * USD, "idempotency_key": uuid4()} | values
    return Payment.objects.create(workspace_id=person.workspace_id, **values)


def test_debt_is_named_with_the_amount(broke):
    owe(broke, 3 * USD)
    assert "owes $3.00" in refusal(broke)


@pytest.mark.parametrize("status", ["open", "processing"])
def test_a_payment_under_way_is_in_the_way(owner, status):
    payment(owner, status=status)
    assert f"$5.00 is {status}" in refusal(owner)


@pytest.mark.parametrize(("status", "stops"), [("asked", True), ("pending", True), ("succeeded", False)])
def test_a_refund_under_way_is_in_the_way(owner, status, stops):
    values = {"amount_cents": 200, "credit_nanousd": 2 * USD}
    Refund.objects.create(payment=payment(owner, status="failed"), origin="operator", status=status, **values)
    if stops:
        assert "refund of $2.00" in refusal(owner)
        Refund.objects.filter(payment__workspace_id=owner.workspace_id).update(status="failed")  # no sweep's any more
    else:
        close(owner)


@pytest.mark.parametrize("status", ["needs_response", "warning_needs_response", "under_review", "won", "lost"])
def test_an_open_dispute_is_in_the_way(owner, status):
    paid = payment(owner, status="failed")
    Dispute.objects.create(id=f"du_{uuid4().hex}", payment=paid, status=status, amount_cents=500)
    if status in ("won", "lost"):
        close(owner)
    else:
        assert "$5.00 is disputed" in refusal(owner)


def test_running_calls_are_waited_for_with_the_keys_stopped(owner):
    reserve(owner, 2 * USD)
    assert close(owner) is False
    found = workspace_of(owner)
    assert (found.closed_at, found.closing_at is not None) == (None, True)
    assert (closings_sweep(), posted(owner)) == (0, 100 * USD)
    reserve(owner, 0)
    assert closings_sweep() == 1
    found = workspace_of(owner)
    assert (found.closed_at is not None, found.closed_by_id, posted(owner)) == (True, owner.user_id, 0)
    assert not Closing.objects.filter(workspace=found).exists()


def test_it_is_cancelled_until_it_is_closed_and_by_an_owner_alone(owner, member, stranger):
    reserve(owner, 2 * USD)
    close(owner)
    for other in (member, stranger):
        with pytest.raises(ClosingRefused, match="Only an owner"):
            closing_cancel(workspace=workspace_of(owner), user=user_of(other))
    assert closing_cancel(workspace=workspace_of(owner), user=user_of(owner))
    reserve(owner, 0)
    assert closings_sweep() == 0
    assert (workspace_of(owner).closing_at, posted(owner)) == (None, 100 * USD)
    assert close(owner)
    assert not closing_cancel(workspace=workspace_of(owner), user=user_of(owner))


def test_what_comes_in_the_way_meanwhile_holds_it_up_and_the_choice_is_kept(owner):
    other = workspace_create(owner=user_of(owner), name="other")
    reserve(owner, 2 * USD)
    close(owner, choice="move", target=other)
    with pytest.raises(PaymentRefused, match="is being closed"):
        checkout_start(workspace=workspace_of(owner), user=user_of(owner), amount_cents=500)
    late = payment(owner, status="processing")
    reserve(owner, 0)
    assert closings_sweep() == 0
    assert workspace_of(owner).closed_at is None
    Payment.objects.filter(pk=late.pk).update(status="failed")
    assert closings_sweep() == 1
    assert (posted(owner), CreditAccount.objects.get(workspace=other).posted) == (0, 100 * USD)


async def test_a_call_in_flight_is_finished_and_billed_and_no_other_begins(owner, client):
    """Its key is stopped while it streams; it ends, is in the books, and only then the workspace is closed."""
    body = {"model": "sandbox/echo", "messages": [{"role": "user", "content": "[[tokens=80]] [[delay_ms=100]]"}]}
    url, call = "/openai/v1/chat/completions", body | {"stream": True}
    async with client.stream("POST", url, json=call, headers=owner.headers) as answer:
        assert answer.status_code == 200
        chunks = answer.aiter_raw()
        await anext(chunks)
        assert await sync_to_async(close)(owner) is False
        until, status = time.monotonic() + 5, 200
        while status == 200 and time.monotonic() < until:
            status = (await client.get("/api/v1/key", headers=owner.headers)).status_code
            await asyncio.sleep(0.05)
        assert status == 403
        assert (await client.post(url, json=body, headers=owner.headers)).status_code == 403
        assert await sync_to_async(closings_sweep)() == 0
        assert b"[DONE]" in b"".join([chunk async for chunk in chunks])
    until = time.monotonic() + 60
    while not await sync_to_async(closings_sweep)() and time.monotonic() < until:
        await asyncio.sleep(0.1)
    await sync_to_async(billed_and_closed)(owner)


def billed_and_closed(person) -> None:
    assert workspace_of(person).closed_at is not None
    used = Transfer.objects.get(debit_account_id=person.account_id, kind="usage").amount
    given_up = Transfer.objects.get(debit_account_id=person.account_id, kind="forfeit").amount
    account = CreditAccount.objects.get(pk=person.account_id)
    assert UsageRecord.objects.filter(workspace_id=person.workspace_id).count() == 1
    assert (used > 0, used + given_up) == (True, 100 * USD)
    assert (account.posted, account.reserved, account.exposed) == (0, 0, 0)


def test_only_an_owner_closes(owner, member, stranger):
    for other in (member, stranger):
        with pytest.raises(ClosingRefused, match="Only an owner"):
            workspace_close(workspace=workspace_of(owner), user=user_of(other), choice="forfeit")


@pytest.mark.parametrize("typed", ["", "another", "OWNER"])
def test_credit_is_given_up_only_by_its_name(owner, typed):
    assert "type the workspace's name" in refusal(owner, name_typed=typed)
    assert "type the workspace's name" in refusal(owner, choice="odd")


def test_forfeited_credit_is_revenue(owner):
    close(owner)
    moved = Transfer.objects.get(idempotency_key=f"forfeit:closing:{owner.workspace_id}")
    assert (moved.kind, moved.amount, moved.credit_account.house) == ("forfeit", 100 * USD, "revenue")
    assert posted(owner) == 0


def test_credit_moves_to_another_workspace_of_theirs_and_to_no_one_elses(owner, stranger):
    other = workspace_create(owner=user_of(owner), name="other")
    for wrong in (None, workspace_of(stranger), workspace_of(owner)):
        assert "another open workspace of yours" in refusal(owner, choice="move", target=wrong)
    Workspace.objects.filter(pk=other.pk).update(closed_at=timezone.now())
    assert "another open workspace of yours" in refusal(owner, choice="move", target=other)
    Workspace.objects.filter(pk=other.pk).update(closed_at=None)
    close(owner, choice="move", target=other)
    assert (posted(owner), CreditAccount.objects.get(workspace=other).posted) == (0, 100 * USD)


def test_where_nothing_can_be_refunded_that_is_said(owner):
    assert "Nothing of the credit can be refunded" in refusal(owner, choice="refund")


def test_nothing_personal_and_nothing_that_acts_is_left(owner, member):
    workspace = workspace_of(owner)
    BillingDetails.objects.create(workspace=workspace, name="Ada")
    amounts = {"threshold_nanousd": 1, "amount_cents": 500, "monthly_cap_cents": 500}
    AutoTopUp.objects.create(workspace=workspace, enabled=True, **amounts)
    invited = invitation_create(created_by=user_of(owner), email="ada@example.com", workspace=workspace).invitation
    close(owner)
    found = workspace_of(owner)
    assert (found.name, found.suspended) == (f"closed workspace {found.pk}", True)
    assert found.closed_at is not None
    assert not Membership.objects.filter(workspace=found).exists()
    assert not BillingDetails.objects.filter(workspace=found).exists()
    assert not AutoTopUp.objects.filter(workspace=found).exists()
    assert not ApiKey.objects.filter(workspace=found, revoked_at__isnull=True).exists()
    invited = Invitation.objects.get(pk=invited.pk)
    assert (invited.email, invited.expires_at <= timezone.now()) == ("", True)


def test_an_invitation_that_is_used_at_the_same_moment_joins_before_or_never(owner, stranger):
    made = invitation_create(created_by=user_of(owner), workspace=workspace_of(owner), send=False).invitation
    joiner = user_of(stranger)

    def join() -> bool:
        try:
            invitation_accept(invitation=made, user=joiner)
        except InvitationOver:
            return False
        return True

    at_once(2, lambda number: close(owner) if number else join())
    assert not Membership.objects.filter(workspace_id=owner.workspace_id).exists()


def test_a_payment_started_at_the_same_moment_stops_one_of_both(owner, emulator):
    workspace, user, said = workspace_of(owner), user_of(owner), []

    def pay() -> str:
        try:
            return str(checkout_start(workspace=workspace, user=user, amount_cents=500).pk)
        except PaymentRefused as error:
            said.append(str(error))
            return ""

    def end() -> str:
        try:
            close(owner)
        except ClosingRefused as error:
            said.append(str(error))
            return ""
        return "closed"

    answers = at_once(2, lambda number: end() if number else pay())
    assert "A payment of $5.00 is open" in said[0] or "This workspace is closed" in said[0]
    assert sorted(map(bool, answers)) == [False, True]
    assert (workspace_of(owner).closed_at is not None) == (answers[1] == "closed")
    assert Payment.objects.filter(workspace=workspace).exists() == bool(answers[0])


def test_closed_many_times_at_once_moves_once_and_all_end_the_same(owner):
    name, workspace, user = workspace_of(owner).name, workspace_of(owner), user_of(owner)
    ends = at_once(5, lambda _: workspace_close(workspace=workspace, user=user, name_typed=name))
    assert ends == [True] * 5
    assert posted(owner) == 0
    assert Transfer.objects.filter(debit_account_id=owner.account_id, kind="forfeit").count() == 1


def test_a_payment_that_arrives_all_the_same_is_credited_and_told(owner, emulator, caplog):
    workspace = workspace_of(owner)
    started = checkout_start(workspace=workspace, user=user_of(owner), amount_cents=500)
    Payment.objects.filter(pk=started.pk).update(status="expired")
    close(owner)
    Payment.objects.filter(pk=started.pk).update(status="open")
    assert emulator.pay(started.url).status_code == 303
    payment_check(payment=Payment.objects.get(pk=started.pk))
    assert posted(owner) == 5 * USD
    assert f"ALERT closed workspace {owner.workspace_id}" in caplog.text


async def test_its_key_is_refused_within_five_seconds(owner, client):
    assert (await client.get("/api/v1/key", headers=owner.headers)).status_code == 200
    await sync_to_async(close)(owner)
    until, status = time.monotonic() + 5, 200
    while status == 200 and time.monotonic() < until:
        status = (await client.get("/api/v1/key", headers=owner.headers)).status_code
        await asyncio.sleep(0.05)
    assert status in (401, 403)


def test_a_call_settled_late_leaves_a_debt_that_operators_see(owner):
    close(owner)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_creditaccount SET posted = -5 WHERE id = %s", [owner.account_id])
    assert owner.workspace_id in [row.pk for row in closed_with_balance()]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_creditaccount SET posted = 0 WHERE id = %s", [owner.account_id])
