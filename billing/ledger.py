"""The only writer of transfers besides the meter's batch (migrations/sql/0004_meter.sql).

A transfer moves money once: its idempotency key is unique, and balances change in the same transaction. Accounts of
workspaces are locked by id, as everywhere.
"""

from django.db import connection, transaction

from billing.models import TransferKind
from billing.models.ledger import House

# What was paid for, and what of it went back: `paid_in` of an account is the sum of these.
PAID = (TransferKind.DEPOSIT, TransferKind.TOP_UP, TransferKind.REFUND, TransferKind.DISPUTE)


class InsufficientCredits(Exception):
    """A guarded debit would take more than is available."""


def account_ensure(*, workspace_id: int) -> int:
    """The id of a workspace's account, made where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_creditaccount (workspace_id) VALUES (%s) ON CONFLICT (workspace_id) DO NOTHING",
            [workspace_id],
        )
        cursor.execute("SELECT id FROM billing_creditaccount WHERE workspace_id = %s", [workspace_id])
        return int(cursor.fetchone()[0])


def credit_add(
    *,
    account_id: int,
    source: House,
    amount_nanousd: int,
    kind: TransferKind,
    idempotency_key: str,
    reference: str = "",
) -> bool:
    """Move money from a house account to a workspace's. False where this key has moved it before."""
    with transaction.atomic():
        if not _transfer_insert(_house(source), account_id, amount_nanousd, kind, idempotency_key, reference):
            return False
        _balance_change(account_id, amount_nanousd, kind)
    return True


def credit_take(
    *,
    account_id: int,
    target: House,
    amount_nanousd: int,
    kind: TransferKind,
    idempotency_key: str,
    reference: str = "",
) -> bool:
    """Move available money from a workspace's account to a house account; raises InsufficientCredits.

    In the same transaction all workers are asked to give back what they hold idle of this account.
    """
    with transaction.atomic():
        if not _transfer_insert(account_id, _house(target), amount_nanousd, kind, idempotency_key, reference):
            return False
        _balance_change(account_id, -amount_nanousd, kind, guarded=True)
        _recall(account_id)
    return True


def credit_reverse(
    *,
    account_id: int,
    target: House,
    amount_nanousd: int,
    kind: TransferKind,
    idempotency_key: str,
    reference: str = "",
) -> bool:
    """As credit_take, but whatever is there: what Stripe has already taken from us. The balance may become negative."""
    with transaction.atomic():
        if not _transfer_insert(account_id, _house(target), amount_nanousd, kind, idempotency_key, reference):
            return False
        _balance_change(account_id, -amount_nanousd, kind)
        _recall(account_id)
    return True


def credit_move(
    *,
    source_id: int,
    target_id: int,
    amount_nanousd: int,
    kind: TransferKind,
    idempotency_key: str,
    reference: str = "",
) -> bool:
    """Move available money from one workspace's account to another's; raises InsufficientCredits."""
    deltas = {source_id: -amount_nanousd, target_id: amount_nanousd}
    with transaction.atomic():
        if not _transfer_insert(source_id, target_id, amount_nanousd, kind, idempotency_key, reference):
            return False
        for account_id in sorted(deltas):
            _balance_change(account_id, deltas[account_id], kind, guarded=True)
        _recall(source_id)
    return True


def house_move(
    *, source: House, target: House, amount_nanousd: int, kind: TransferKind, idempotency_key: str, reference: str = ""
) -> bool:
    """Move money between accounts of the house, which keep no balance. False where this key has moved it before."""
    return _transfer_insert(_house(source), _house(target), amount_nanousd, kind, idempotency_key, reference)


def _house(house: House) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM billing_creditaccount WHERE house = %s", [house.value])
        return int(cursor.fetchone()[0])


def _transfer_insert(
    debit_id: int,
    credit_id: int,
    amount_nanousd: int,
    kind: TransferKind,
    idempotency_key: str,
    reference: str,
) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, "
            "idempotency_key) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (idempotency_key) DO NOTHING",
            [debit_id, credit_id, amount_nanousd, kind.value, reference, idempotency_key],
        )
        return bool(cursor.rowcount == 1)


def _balance_change(account_id: int, delta_nanousd: int, kind: TransferKind, *, guarded: bool = False) -> None:
    paid_in = delta_nanousd if kind in PAID else 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_creditaccount SET posted = posted + %s, paid_in = paid_in + %s "
            "WHERE id = %s AND house IS NULL AND (NOT %s OR %s >= 0 OR posted - reserved >= -%s)",
            [delta_nanousd, paid_in, account_id, guarded, delta_nanousd, delta_nanousd],
        )
        if cursor.rowcount != 1:
            raise InsufficientCredits(f"account {account_id} cannot give {-delta_nanousd} nano-USD")


def _recall(account_id: int) -> None:
    """Ask all workers to give back what they hold idle of an account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('xr_recall', %s)", [str(account_id)])
