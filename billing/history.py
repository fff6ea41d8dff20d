"""The read side for pages: payments and the account's movements. Amounts are nano-USD; all is of one workspace."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.expiry import Ending
from billing.given import given_words
from billing.models import Payment
from billing.payments_list import with_reversals

PAGE_MAX = 200
KIND_WORDS = {
    "usage": "Usage",
    "deposit": "Deposit by the operator",
    "top_up": "Credit bought",
    "promotion": "Gift",
    "refund": "Refund",
    "dispute": "Dispute",
    "correction": "Correction",
    "write_off": "Written off",
    "move": "Moved between workspaces",
    "expiry": "Credit that ended",
    "forfeit": "Given up",
}
# What usually takes credit, where it gives it back.
BACK_WORDS = {"refund": "Refund failed: credit returned", "dispute": "Dispute over: credit returned"}
# A page is two short index scans. What a row left behind is counted from the next mark after it (billing/marks.py), or
# from today's balance where there is none: never over the whole history.
MOVEMENTS = """
WITH account AS (SELECT id, posted FROM billing_creditaccount WHERE workspace_id = %(workspace)s),
page AS (
  SELECT a.id AS account_id, a.posted, t.* FROM account a CROSS JOIN LATERAL (
    SELECT * FROM (
      (SELECT id, kind, reference, created_at, -amount AS signed FROM billing_transfer
        WHERE debit_account_id = a.id AND id < %(before)s {out} ORDER BY id DESC LIMIT %(rows)s)
       UNION ALL
      (SELECT id, kind, reference, created_at, amount FROM billing_transfer
        WHERE credit_account_id = a.id AND id < %(before)s AND kind <> 'usage' ORDER BY id DESC LIMIT %(rows)s)
    ) both_sides ORDER BY id DESC LIMIT %(rows)s) t)
SELECT p.id, p.kind, p.reference, p.created_at, p.signed,
       (coalesce(m.balance, p.posted) - coalesce(later_in.sum, 0) + coalesce(later_out.sum, 0))::bigint
  FROM page p
  LEFT JOIN LATERAL (
    SELECT transfer_id, balance FROM billing_balancemark
     WHERE account_id = p.account_id AND transfer_id >= p.id ORDER BY transfer_id LIMIT 1) m ON true
 CROSS JOIN LATERAL (
    SELECT sum(amount) FROM billing_transfer
     WHERE credit_account_id = p.account_id AND kind <> 'usage'
       AND id > p.id AND id <= coalesce(m.transfer_id, %(last)s)) later_in
 CROSS JOIN LATERAL (
    SELECT sum(amount) FROM billing_transfer
     WHERE debit_account_id = p.account_id AND id > p.id AND id <= coalesce(m.transfer_id, %(last)s)) later_out
 ORDER BY p.id DESC"""
USAGE, OTHER, LAST = "", "AND kind <> 'usage'", 2**63 - 1


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer, seen from the workspace: positive came in. `balance_nanousd` is what stood after it."""

    id: int
    kind: str
    reference: str
    created_at: datetime
    amount_nanousd: int
    balance_nanousd: int


@dataclass(frozen=True, slots=True)
class MovementPage:
    """`before` asks for the next, older page; None where this is the last."""

    movements: list[Movement]
    before: int | None


def movement_words(kind: str, amount_nanousd: int, given: str = "") -> str:
    """What a movement is called: as `given` says (billing/given.py), else by its kind and whether it came in (positive)
    or went out.
    """
    return given or (BACK_WORDS.get(kind) if amount_nanousd > 0 else None) or KIND_WORDS.get(kind, kind)


def movements_page(*, workspace_id: int, before: int | None = None, size: int = 50, usage: bool = True) -> MovementPage:
    """A workspace's transfers, newest first; without `usage`, usage is left out but still in the balances."""
    size = max(1, min(size, PAGE_MAX))
    values = {"workspace": workspace_id, "before": LAST if before is None else before, "last": LAST, "rows": size + 1}
    with connection.cursor() as cursor:
        cursor.execute(MOVEMENTS.format(out=USAGE if usage else OTHER), values)
        found = [Movement(*row) for row in cursor.fetchall()]
    more = len(found) > size
    return MovementPage(found[:size], found[size - 1].id if more else None)


def movements_worded(movements: list[Movement]) -> list[tuple[Movement, str]]:
    """Each with what it is called."""
    given = given_words(row.reference for row in movements)
    return [(row, movement_words(row.kind, row.amount_nanousd, given.get(row.reference, ""))) for row in movements]


def endings_worded(endings: list[Ending]) -> list[tuple[Ending, str]]:
    """Each with what it is called."""
    given = given_words(row.reference for row in endings)
    return [(row, movement_words(row.kind, row.amount_nanousd, given.get(row.reference, ""))) for row in endings]


def payment_get(*, workspace_id: int, payment_id: UUID) -> Payment | None:
    """A payment of this workspace; another's is not found."""
    return Payment.objects.filter(workspace_id=workspace_id, pk=payment_id).first()


def payments_recent(*, workspace_id: int, count: int = 20) -> list[Payment]:
    """A workspace's payments, newest first, whatever became of them."""
    found = with_reversals(Payment.objects.filter(workspace_id=workspace_id).order_by("-created_at"))
    return list(found[: max(1, min(count, PAGE_MAX))])
