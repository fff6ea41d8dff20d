"""A workspace is closed: its keys stop, its credit goes where the owner chose, and nothing personal stays.

First its keys are stopped and the choice is kept, in one transaction. Once none of its calls holds credit any more,
all else is done in another; Stripe is asked after it. Until then it may be cancelled. In both the workspace's row is
locked first: whatever starts a payment, credits it or makes it a key waits for that lock and finds it closed. Its
ledger stays, under its number alone.
"""

import logging
import time
from enum import StrEnum

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import ApiKey, Invitation, Membership, Role, User, Workspace
from billing import ledger
from billing.adjustments import Account, account_lock
from billing.closing_refunds import closing_refundable_cents, closing_refunds_ask, closing_refunds_book
from billing.models import (
    AutoTopUp,
    BalanceAlert,
    BillingDetails,
    Closing,
    CreditAccount,
    Dispute,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    TransferKind,
)
from billing.models.ledger import House
from billing.parts import NANOUSD_PER_CENT
from billing.refundable import unspent_of
from billing.stripe.cards import closed_cards_remove
from billing.stripe.ending import checkouts_end
from xroute.lib.money import cents_words, usd_words

logger = logging.getLogger("xroute.billing")
RECALL_S, LOOK_EVERY_S, SWEEP_MAX = 3.0, 0.05, 50
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
        found.append(f"It owes {usd_words(-posted)}. Buy that much credit first, or ask the operator.")
    unsettled = Payment.objects.filter(workspace=workspace, status__in=(PaymentStatus.OPEN, PaymentStatus.PROCESSING))
    for payment in unsettled.order_by("created_at"):
        found.append(f"A payment of {usd_words(payment.amount_nanousd)} is {payment.status}. Wait until it is over.")
    asked = Refund.objects.filter(payment__workspace=workspace, status__in=(RefundStatus.ASKED, RefundStatus.PENDING))
    for refund in asked.order_by("created_at"):
        found.append(f"A refund of {cents_words(refund.amount_cents)} is under way. Wait until it has arrived.")
    disputes = Dispute.objects.filter(payment__workspace=workspace).exclude(status__in=DISPUTES_OVER)
    for dispute in disputes.order_by("created_at"):
        found.append(f"A payment of {cents_words(dispute.amount_cents)} is disputed. Wait until that is decided.")
    return found


def closing_targets(*, workspace: Workspace, user: User) -> list[Workspace]:
    """Other open workspaces that this person owns."""
    owned = Workspace.objects.filter(membership__user=user, membership__role=Role.OWNER, closed_at__isnull=True)
    return list(owned.exclude(pk=workspace.pk).order_by("name", "id"))


def closing_recall(*, workspace: Workspace, wait_s: float) -> None:
    """Have all workers give back what they hold idle, and wait up to `wait_s` until they have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('xr_recall', id::text) FROM billing_creditaccount WHERE workspace_id = %s",
                       [workspace.pk])  # fmt: skip
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        if not CreditAccount.objects.filter(workspace=workspace).exclude(reserved=0, exposed=0).exists():
            return
        time.sleep(LOOK_EVERY_S)


def closing_start(
    *,
    workspace: Workspace,
    user: User,
    choice: str = Choice.FORFEIT,
    target: Workspace | None = None,
    name_typed: str = "",
) -> None:
    """Stop its keys for good unless it is cancelled, and keep what was chosen. Raises ClosingRefused; then nothing
    has changed. Asked again by the same person once it is closed, nothing happens.

    Call outside any transaction: keys stop with the commit.
    """
    checkouts_end(workspace_id=workspace.pk)
    closing_recall(workspace=workspace, wait_s=0)
    with transaction.atomic(durable=True):
        found = _locked(workspace, target)
        if found.closed_at is not None and found.closed_by_id == user.pk:
            return
        _may_close(found, user)
        _choice_check(found, user, choice, target, name_typed)
        values = {"choice": choice, "target": target, "asked_by": user}
        Closing.objects.update_or_create(workspace=found, defaults=values)
        Workspace.objects.filter(pk=found.pk, closing_at__isnull=True).update(closing_at=Now())


def closing_cancel(*, workspace: Workspace, user: User) -> bool:
    """Let its keys work again; False where it is closed already. Raises ClosingRefused for whoever is no owner."""
    with transaction.atomic():
        found = _locked(workspace, None)
        if found.closed_at is not None:
            return False
        if not _owns(user, found):
            raise ClosingRefused("Only an owner of the workspace may do this.")
        Closing.objects.filter(workspace=found).delete()
        Workspace.objects.filter(pk=found.pk).update(closing_at=None)
    return True


def closing_finish(*, workspace: Workspace, wait_s: float = 0) -> bool:
    """Close it as its owner chose, once no call of it runs any more; False until then.

    Raises ClosingRefused where something else has come in the way; it may be tried again at any time. Call outside
    any transaction: workers give back what they hold only once they are told by a commit.
    """
    closing_recall(workspace=workspace, wait_s=wait_s)
    with transaction.atomic(durable=True):
        # Which other workspace to lock stands in the row, and the row may change until its workspace is locked.
        first = Closing.objects.filter(workspace=workspace).values_list("target_id", flat=True).first()
        found = _locked(workspace, Workspace(pk=first) if first else None)
        wish = Closing.objects.select_related("asked_by", "target").filter(workspace=found).first()
        if found.closed_at is not None or wish is None:
            return found.closed_at is not None
        if wish.target_id not in (None, first):
            return False  # chosen anew meanwhile, and not locked
        _may_close(found, wish.asked_by)
        # Payments before accounts, as everywhere: a refund below locks its payment.
        list(Payment.objects.select_for_update().filter(workspace=found).order_by("pk").values_list("pk"))
        account = account_lock(workspace_id=found.pk)
        if account.reserved or _exposed(account):
            return False
        if account.posted < 0:
            raise ClosingRefused(f"It owes {usd_words(-account.posted)}. Buy that much credit first.")
        booked = _dispose(found, wish, account) if account.posted else []
        _forget(found, wish)
    closing_refunds_ask(booked)
    closed_cards_remove(workspace_id=workspace.pk)
    return True


def closings_sweep() -> int:
    """Finish what waited for calls; how many were closed. One that cannot be must not stop the others."""
    closed = 0
    for wish in Closing.objects.select_related("workspace").order_by("created_at")[:SWEEP_MAX]:
        try:
            closed += closing_finish(workspace=wish.workspace)
        except ClosingRefused as error:
            logger.info("workspace %s is not closed yet: %s", wish.workspace_id, error)
        except Exception as error:
            logger.error("ALERT workspace %s is not closed: %s: %s", wish.workspace_id, type(error).__name__, error)
    return closed


def workspace_close(
    *,
    workspace: Workspace,
    user: User,
    choice: str = Choice.FORFEIT,
    target: Workspace | None = None,
    name_typed: str = "",
) -> bool:
    """Begin, and finish where no call runs; whether it is closed. Raises ClosingRefused."""
    closing_start(workspace=workspace, user=user, choice=choice, target=target, name_typed=name_typed)
    return closing_finish(workspace=workspace, wait_s=RECALL_S)


def _locked(workspace: Workspace, target: Workspace | None) -> Workspace:
    ids = sorted({workspace.pk, *([target.pk] if target else [])})
    rows = Workspace.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}[workspace.pk]


def _may_close(workspace: Workspace, user: User | None) -> None:
    if workspace.closed_at is not None:
        raise ClosingRefused("This workspace is closed already.")
    if user is None or not _owns(user, workspace):
        raise ClosingRefused("Only an owner of the workspace may close it.")
    if objections := closing_objections(workspace=workspace):
        raise ClosingRefused(" ".join(objections))


def _choice_check(workspace: Workspace, user: User, choice: str, target: Workspace | None, name_typed: str) -> None:
    """Whether it can be done as chosen, as far as that is known while calls run."""
    account = CreditAccount.objects.get(workspace=workspace)
    if not account.posted:
        return
    if choice == Choice.MOVE:
        _target_check(workspace, user, target)
        if not unspent_of(account_id=account.pk).paid:
            raise ClosingRefused(
                "Only credit that was paid for can be moved, and none is left. Give the rest up instead."
            )
    elif choice == Choice.REFUND:
        if not closing_refundable_cents(workspace=workspace, running=True):
            raise ClosingRefused("Nothing of the credit can be refunded. Move it or give it up instead.")
    elif choice != Choice.FORFEIT or name_typed.strip() != workspace.name.strip():
        raise ClosingRefused("To give the credit up, type the workspace's name exactly as it stands.")


def _target_check(workspace: Workspace, user: User, target: Workspace | None) -> Workspace:
    now = Workspace.objects.filter(pk=target.pk, closed_at__isnull=True).first() if target else None
    if now is None or now.closing_at is not None or now.pk == workspace.pk or not _owns(user, now):
        raise ClosingRefused("Choose another open workspace of yours for the credit.")
    return now


def _exposed(account: Account) -> bool:
    return CreditAccount.objects.filter(pk=account.id).exclude(exposed=0).exists()


def _dispose(workspace: Workspace, wish: Closing, account: Account) -> list[Refund]:
    """Bring the account to zero, as chosen; the refunds that Stripe has to be asked for."""
    reference, paid = f"closing:{workspace.pk}", unspent_of(account_id=account.id).paid
    user, booked = wish.asked_by, []
    if user is None:
        raise ClosingRefused("Only an owner of the workspace may close it.")
    if wish.choice == Choice.MOVE:
        target = _target_check(workspace, user, wish.target)
        if paid:  # else the calls that ran last have used it up
            ledger.credit_move(
                source_id=account.id,
                target_id=ledger.account_ensure(workspace_id=target.pk),
                amount_nanousd=paid,
                kind=TransferKind.MOVE,
                idempotency_key=f"move:{reference}",
                reference=reference,
            )
    elif wish.choice == Choice.REFUND:
        booked = closing_refunds_book(workspace=workspace, user=user)
        if not booked and paid >= NANOUSD_PER_CENT:  # less than that cannot be refunded, and is given up
            raise ClosingRefused("Nothing of the credit can be refunded. Cancel, and move it or give it up instead.")
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


def _forget(workspace: Workspace, wish: Closing) -> None:
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
    Closing.objects.filter(workspace=workspace).delete()
    # Suspended too: a worker that still knows a key by heart is told of it like of any change.
    Workspace.objects.filter(pk=workspace.pk).update(
        name=f"closed workspace {workspace.pk}", suspended=True, closed_at=Now(), closed_by=wish.asked_by
    )
