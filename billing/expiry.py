"""Credit that ends at a time: only what a code or XROUTE_CREDIT_DAYS says so of. What is unspent of it is taken back.

Unspent is the amount less all that was spent since it was given, whatever it was spent from: where several such
credits overlap, the same usage counts against each, in the workspace's favour. Nothing takes more than is available.
Times are the database's. All amounts are nano-USD.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from billing import ledger
from billing.models import CreditAccount, ExpiringCredit, TransferKind
from billing.models.ledger import House
from billing.notices import link, mails_write, managers_addresses
from xroute.lib.money import usd_text

WARN_BEFORE = timedelta(days=7)
SWEEP_MAX = 200
SET = """
INSERT INTO billing_expiringcredit (transfer_id, account_id, amount_nanousd, expires_at)
SELECT id, credit_account_id, amount, created_at + make_interval(days => %s) FROM billing_transfer
 WHERE idempotency_key = %s ON CONFLICT (transfer_id) DO NOTHING RETURNING expires_at"""
# Bought credit that was paid back is spent too; a gift is not paid back. An expiry is no spending.
UNSPENT = """
SELECT e.transfer_id, g.kind, e.amount_nanousd, e.expires_at, greatest(0, e.amount_nanousd - coalesce((
         SELECT sum(t.amount) FROM billing_transfer t
          WHERE t.debit_account_id = e.account_id AND t.created_at >= g.created_at AND t.kind <> 'expiry'
            AND (g.kind = 'top_up' OR t.kind NOT IN ('refund', 'dispute'))), 0))::bigint, g.reference
  FROM billing_expiringcredit e JOIN billing_transfer g ON g.id = e.transfer_id
 WHERE e.ended_at IS NULL AND {which} ORDER BY e.expires_at, e.transfer_id"""


@dataclass(frozen=True, slots=True)
class Ending:
    """Credit that has an end, and what is unspent of it."""

    transfer_id: int
    kind: str
    amount_nanousd: int
    expires_at: datetime
    unspent_nanousd: int
    reference: str


def expiry_set(*, idempotency_key: str, days: int) -> datetime | None:
    """Let the credit of this transfer end in so many days; in the transfer's own transaction. 0: it does not end."""
    if days <= 0:
        return None
    with connection.cursor() as cursor:
        cursor.execute(SET, [days, idempotency_key])
        row = cursor.fetchone()
    return row[0] if row else None


def endings(*, workspace_id: int) -> list[Ending]:
    """A workspace's credit that will end and is not spent, the next to end first."""
    which = "e.account_id = (SELECT id FROM billing_creditaccount WHERE workspace_id = %s)"
    with connection.cursor() as cursor:
        cursor.execute(UNSPENT.format(which=which), [workspace_id])
        found = [Ending(*row) for row in cursor.fetchall()]
    return [one for one in found if one.unspent_nanousd]


def expiries_sweep() -> int:
    """Take back what has ended; how many ended."""
    due = ExpiringCredit.objects.filter(ended_at=None, expires_at__lte=Now()).order_by("expires_at", "pk")
    return sum(_end(transfer_id) for transfer_id in due.values_list("pk", flat=True)[:SWEEP_MAX])


def _end(transfer_id: int) -> bool:
    """The row is locked first and then the account, so that it ends once and takes what is there."""
    with transaction.atomic():
        rows = ExpiringCredit.objects.select_for_update(skip_locked=True)
        row = rows.filter(pk=transfer_id, ended_at=None, expires_at__lte=Now()).first()
        if row is None:
            return False
        account = CreditAccount.objects.select_for_update(no_key=True).get(pk=row.account_id)
        ending = _of(transfer_id)
        taken = max(0, min(ending.unspent_nanousd, account.posted - account.reserved))
        if taken:
            ledger.credit_take(
                account_id=row.account_id,
                target=House.REVENUE if ending.kind == TransferKind.TOP_UP else House.PROMOTIONS,
                amount_nanousd=taken,
                kind=TransferKind.EXPIRY,
                idempotency_key=f"expiry:{transfer_id}",
                reference=f"transfer:{transfer_id}",
            )
        ExpiringCredit.objects.filter(pk=transfer_id).update(taken_nanousd=taken, ended_at=Now())
    return True


def expiries_warn() -> int:
    """Mail what ends within a week, once; how many credits."""
    due = ExpiringCredit.objects.filter(ended_at=None, warned_at=None, expires_at__lte=Now() + WARN_BEFORE)
    return sum(
        _warn(transfer_id) for transfer_id in due.order_by("expires_at").values_list("pk", flat=True)[:SWEEP_MAX]
    )


def _warn(transfer_id: int) -> bool:
    with transaction.atomic():
        if not ExpiringCredit.objects.filter(pk=transfer_id, warned_at=None, ended_at=None).update(warned_at=Now()):
            return False
        row, ending = ExpiringCredit.objects.select_related("account__workspace").get(pk=transfer_id), _of(transfer_id)
        workspace = row.account.workspace
        if workspace is None or not ending.unspent_nanousd:
            return False
        amount, day = f"${usd_text(ending.unspent_nanousd)}", f"{ending.expires_at:%-d %B %Y, %H:%M} UTC"
        mails_write(
            to=managers_addresses(workspace_id=workspace.pk),
            subject=f"Credit of {workspace.name} ends on {ending.expires_at:%-d %B}",
            body=f"Of a credit of ${usd_text(ending.amount_nanousd)}, {amount} is unspent. What is left of it on {day} "
            f"is taken back. Calls made until then use it.\n\n{link('/credits')}",
        )
    return True


def _of(transfer_id: int) -> Ending:
    with connection.cursor() as cursor:
        cursor.execute(UNSPENT.format(which="e.transfer_id = %s"), [transfer_id])
        return Ending(*cursor.fetchone())
