"""A workspace is closed: its credit goes where the owner chose, its keys stop, and nothing personal stays.

All of it is one transaction; Stripe is asked after it. The workspace's row is locked first: whatever starts a payment,
credits it or makes it a key waits for that lock and finds it closed. Its ledger stays, under its number alone.
"""

import time
from enum import StrEnum

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import ApiKey, Invitation, Membership, Role, User, Workspace
from billing import ledger
from billing.adjustments import Account, account_lock
from billing.closing_refunds import closing_refunds_ask, closing_refunds_book
from billing.models import (
    AutoTopUp,
    BalanceAlert,
    BillingDetails,
    CreditAccount,
    Dispute,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    TransferKind,
)
from billing.models.ledger import House
from billing.refundable import unspent_of
from billing.stripe.cards import closed_cards_remove
from billing.stripe.ending import checkouts_end
from xroute.lib.money import usd_text

RECALL_S, LOOK_EVERY_S = 3.0, 0.05
DISPUTES_OVER = ("won", "lost", "warning_closed")


class Choice(StrEnum):
    """What becomes of the credit that is left."""

    REFUND = "refund"
    MOVE = "move"
    FORFEIT = "forfeit"


class ClosingRefused(Exception):
    """The text says why, and what to do first."""


def closing_objections(*, workspace: Workspace) -> list[str]:
    """Why it cannot be closed yet, apart from calls that run; empty where it can."""
    found = []
    posted = CreditAccount.objects.get(workspace=workspace).posted
    if posted < 0:
        found.append(f"It owes {usd_text(-posted)} USD. Buy that much credit first, or ask the operator.")
    unsettled = Payment.objects.filter(workspace=workspace, status__in=(PaymentStatus.OPEN, PaymentStatus.PROCESSING))
    for payment in unsettled.order_by("created_at"):
        found.append(f"A payment of {usd_text(payment.amount_nanousd)} USD is {payment.status}. Wait until it is over.")
    asked = Refund.objects.filter(payment__workspace=workspace, status__in=(RefundStatus.ASKED, RefundStatus.PENDING))
    for refund in asked.order_by("created_at"):
        found.append(f"A refund of {refund.amount_cents / 100:,.2f} USD is under way. Wait until it has arrived.")
    disputes = Dispute.objects.filter(payment__workspace=workspace).exclude(status__in=DISPUTES_OVER)
    for dispute in disputes.order_by("created_at"):
        found.append(f"A payment of {dispute.amount_cents / 100:,.2f} USD is disputed. Wait until that is decided.")
    return found


def closing_targets(*, workspace: Workspace, user: User) -> list[Workspace]:
    """Other open workspaces that this person owns."""
    owned = Workspace.objects.filter(membership__user=user, membership__role=Role.OWNER, closed_at__isnull=True)
    return list(owned.exclude(pk=workspace.pk).order_by("name", "id"))


def closing_recall(*, workspace: Workspace) -> None:
    """Have all workers give back what they hold idle, and wait for a moment until they have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('xr_recall', id::text) FROM billing_creditaccount WHERE workspace_id = %s",
                       [workspace.pk])  # fmt: skip
    until = time.monotonic() + RECALL_S
    while time.monotonic() < until:
        if not CreditAccount.objects.filter(workspace=workspace).exclude(reserved=0, exposed=0).exists():
            return
        time.sleep(LOOK_EVERY_S)


def workspace_close(
    *,
    workspace: Workspace,
    user: User,
    choice: str = Choice.FORFEIT,
    target: Workspace | None = None,
    name_typed: str = "",
) -> None:
    """Close it for good; `choice` is what becomes of its credit. Raises ClosingRefused; then nothing has changed.

    Call outside any transaction: workers give back what they hold only once they are told by a commit.
    """
    checkouts_end(workspace_id=workspace.pk)
    closing_recall(workspace=workspace)
    with transaction.atomic(durable=True):
        ids = sorted({workspace.pk, *([target.pk] if target else [])})
        locked = {row.pk: row for row in Workspace.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
        booked = _close(locked[workspace.pk], user, choice, locked.get(target.pk) if target else None, name_typed)
        _forget(locked[workspace.pk])
    closing_refunds_ask(booked)
    closed_cards_remove(workspace_id=workspace.pk)


def _close(workspace: Workspace, user: User, choice: str, target: Workspace | None, name_typed: str) -> list[Refund]:
    if not Membership.objects.filter(workspace=workspace, user=user, role=Role.OWNER).exists():
        raise ClosingRefused("Only an owner of the workspace may close it.")
    if workspace.closed_at is not None:
        raise ClosingRefused("This workspace is closed already.")
    if objections := closing_objections(workspace=workspace):
        raise ClosingRefused(" ".join(objections))
    # Payments before accounts, as everywhere: a refund below locks its payment.
    list(Payment.objects.select_for_update().filter(workspace=workspace).order_by("pk").values_list("pk"))
    account = account_lock(workspace_id=workspace.pk)
    if account.reserved or _exposed(account):
        raise ClosingRefused(
            f"Calls that are running hold {usd_text(account.reserved)} USD. Stop what makes them, or revoke its keys, "
            "and try again in a minute."
        )
    if account.posted < 0:
        raise ClosingRefused(f"It owes {usd_text(-account.posted)} USD. Buy that much credit first.")
    return _dispose(workspace, user, choice, target, name_typed, account) if account.posted else []


def _exposed(account: Account) -> bool:
    return CreditAccount.objects.filter(pk=account.id).exclude(exposed=0).exists()


def _dispose(
    workspace: Workspace, user: User, choice: str, target: Workspace | None, name_typed: str, account: Account
) -> list[Refund]:
    """Bring the account to zero, as chosen; the refunds that Stripe has to be asked for."""
    reference = f"closing:{workspace.pk}"
    if choice == Choice.MOVE:
        if target is None or target.closed_at is not None or target.pk == workspace.pk or not _owns(user, target):
            raise ClosingRefused("Choose another open workspace of yours for the credit.")
        paid = unspent_of(account_id=account.id).paid
        if not paid:
            raise ClosingRefused(
                "Only credit that was paid for can be moved, and none is left. Give the rest up instead."
            )
        ledger.credit_move(
            source_id=account.id,
            target_id=ledger.account_ensure(workspace_id=target.pk),
            amount_nanousd=paid,
            kind=TransferKind.MOVE,
            idempotency_key=f"move:{reference}",
            reference=reference,
        )
    booked = []
    if choice == Choice.REFUND:
        booked = closing_refunds_book(workspace=workspace, user=user)
        if not booked:
            raise ClosingRefused("Nothing of the credit can be refunded. Move it or give it up instead.")
    elif choice != Choice.MOVE and (choice != Choice.FORFEIT or name_typed.strip() != workspace.name.strip()):
        raise ClosingRefused("To give the credit up, type the workspace's name exactly as it stands.")
    left = account_lock(workspace_id=workspace.pk).posted
    if left > 0:
        ledger.credit_take(
            account_id=account.id,
            target=House.REVENUE,
            amount_nanousd=left,
            kind=TransferKind.FORFEIT,
            idempotency_key=f"forfeit:{reference}",
            reference=reference,
        )
    return booked


def _owns(user: User, workspace: Workspace) -> bool:
    return Membership.objects.filter(workspace=workspace, user=user, role=Role.OWNER).exists()


def _forget(workspace: Workspace) -> None:
    """End what could act, and delete what names people. A saved card is removed at Stripe first, after the commit."""
    now = timezone.now()
    ApiKey.objects.filter(workspace=workspace, revoked_at__isnull=True).update(revoked_at=now)
    ApiKey.objects.filter(workspace=workspace).update(name="closed", created_by=None)
    Invitation.objects.filter(workspace=workspace, accepted_by=None, expires_at__gt=now).update(expires_at=now)
    Invitation.objects.filter(workspace=workspace).update(email="")
    Membership.objects.filter(workspace=workspace).delete()
    AutoTopUp.objects.filter(workspace=workspace).delete()
    BalanceAlert.objects.filter(workspace=workspace).delete()
    BillingDetails.objects.filter(workspace=workspace).delete()
    # Suspended too: a worker that still knows a key by heart is told of it like of any change.
    Workspace.objects.filter(pk=workspace.pk).update(
        name=f"closed workspace {workspace.pk}", suspended=True, closed_at=Now()
    )
