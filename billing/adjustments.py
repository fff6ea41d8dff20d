"""What an operator does to a workspace's credit by hand: grant, correct, write off. Amounts are nano-USD.

The row says who and why, the transfer moves the money; both are written in one transaction. The id comes from the
form that was shown, so that a form sent twice moves once.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User, Workspace
from billing import ledger
from billing.models import Adjustment, AdjustmentKind, CreditAccount, TransferKind
from billing.models.ledger import House
from billing.workspaces import workspace_open_ensure
from xroute.lib.money import usd_words

AMOUNT_MAX = 10**15
HOUSES: dict[str, tuple[House, TransferKind]] = {
    AdjustmentKind.GRANT: (House.PROMOTIONS, TransferKind.PROMOTION),
    AdjustmentKind.CORRECTION: (House.REVENUE, TransferKind.CORRECTION),
    AdjustmentKind.WRITE_OFF: (House.WRITE_OFFS, TransferKind.WRITE_OFF),
}


class AdjustmentRefused(Exception):
    """It would break a rule; the text says which, and what would be possible."""


@dataclass(frozen=True, slots=True)
class Account:
    """A workspace's balance at one moment."""

    id: int
    posted: int
    reserved: int

    @property
    def available(self) -> int:
        return max(0, self.posted - self.reserved)


def adjustment_make(
    *, id: UUID, workspace: Workspace, kind: str, amount_nanousd: int, reason: str, created_by: User
) -> Adjustment:
    """Move credit once per `id`. A negative amount is a correction down. Raises AdjustmentRefused, WorkspaceClosed."""
    _check(kind, amount_nanousd, reason)
    values = {"kind": kind, "amount_nanousd": amount_nanousd, "reason": reason.strip(), "created_by": created_by}
    with transaction.atomic():
        if kind == AdjustmentKind.GRANT or (kind == AdjustmentKind.CORRECTION and amount_nanousd > 0):
            workspace_open_ensure(workspace_id=workspace.pk)
        account = account_lock(workspace_id=workspace.pk)
        row = Adjustment(id=id, workspace=workspace, **values)
        Adjustment.objects.bulk_create([row], ignore_conflicts=True)
        found = Adjustment.objects.get(pk=id)
        if _words(found) != _words(row):
            raise AdjustmentRefused("This form was used already for something else. Load the page anew.")
        _move(found, account)
    return found


def account_lock(*, workspace_id: int) -> Account:
    """The workspace's account, locked until the transaction ends."""
    account_id = ledger.account_ensure(workspace_id=workspace_id)
    with connection.cursor() as cursor:
        query = "SELECT id, posted, reserved FROM billing_creditaccount WHERE id = %s FOR NO KEY UPDATE"
        cursor.execute(query, [account_id])
        return Account(*cursor.fetchone())


def adjustment_preview(*, workspace: Workspace, kind: str, amount_nanousd: int, reason: str) -> tuple[int, int]:
    """(balance before, balance after), as it stands now; raises AdjustmentRefused."""
    _check(kind, amount_nanousd, reason)
    row = CreditAccount.objects.get(workspace=workspace)
    account = Account(row.pk, row.posted, row.reserved)
    _possible(kind, amount_nanousd, account)
    return account.posted, account.posted + amount_nanousd


def _check(kind: str, amount_nanousd: int, reason: str) -> None:
    if kind not in AdjustmentKind.values:
        raise AdjustmentRefused("Choose a grant, a correction or a write-off.")
    if not 0 < abs(amount_nanousd) <= AMOUNT_MAX:
        raise AdjustmentRefused("Give an amount other than 0, of at most $1,000,000.")
    if amount_nanousd < 0 and kind != AdjustmentKind.CORRECTION:
        raise AdjustmentRefused("Only a correction can be negative.")
    if not reason.strip() or len(reason.strip()) > 500:
        raise AdjustmentRefused("Say why, in at most 500 characters.")


def _possible(kind: str, amount_nanousd: int, account: Account) -> None:
    """Whether there is enough to take, or enough owed; in words where not."""
    if amount_nanousd < 0 and -amount_nanousd > account.available:
        held = f" ({usd_words(account.reserved)} is set aside for calls)" if account.reserved else ""
        raise AdjustmentRefused(f"Only {usd_words(account.available)} is available{held}. Take that much or less.")
    owed = max(0, -account.posted)
    if kind == AdjustmentKind.WRITE_OFF and amount_nanousd > owed:
        if not owed:
            raise AdjustmentRefused("This workspace owes nothing, so there is nothing to write off.")
        raise AdjustmentRefused(f"Only {usd_words(owed)} is owed. Write off that much or less.")


def _move(row: Adjustment, account: Account) -> None:
    key = f"adjustment:{row.pk}"
    if _moved(key):
        return
    _possible(row.kind, row.amount_nanousd, account)
    house, kind = HOUSES[row.kind]
    try:
        if row.amount_nanousd < 0:
            ledger.credit_take(
                account_id=account.id,
                target=house,
                amount_nanousd=-row.amount_nanousd,
                kind=kind,
                idempotency_key=key,
                reference=key,
            )
        else:
            ledger.credit_add(
                account_id=account.id,
                source=house,
                amount_nanousd=row.amount_nanousd,
                kind=kind,
                idempotency_key=key,
                reference=key,
            )
    except ledger.InsufficientCredits as error:
        raise AdjustmentRefused("Less is available by now. Look at the balance again.") from error


def _moved(key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM billing_transfer WHERE idempotency_key = %s", [key])
        return cursor.fetchone() is not None


def _words(row: Adjustment) -> tuple[object, ...]:
    return row.workspace_id, row.kind, row.amount_nanousd, row.reason, row.created_by_id
