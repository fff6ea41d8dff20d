"""The read side for pages: payments and the account's movements. Amounts are nano-USD; all is of one workspace."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.models import Payment

PAGE_MAX = 200
# What a row leaves behind is today's balance less all that came after it: the newest page needs no history.
MOVEMENTS = """
WITH account AS (SELECT id, posted FROM billing_creditaccount WHERE workspace_id = %(workspace)s),
moved AS (
  SELECT t.id, t.kind, t.reference, t.created_at, t.amount AS signed, a.posted
    FROM account a JOIN billing_transfer t ON t.credit_account_id = a.id
   UNION ALL
  SELECT t.id, t.kind, t.reference, t.created_at, -t.amount, a.posted
    FROM account a JOIN billing_transfer t ON t.debit_account_id = a.id),
summed AS (
  SELECT id, kind, reference, created_at, signed,
         (posted - coalesce(sum(signed) OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
         )::bigint AS balance
    FROM moved)
SELECT id, kind, reference, created_at, signed, balance FROM summed
 WHERE (%(before)s::bigint IS NULL OR id < %(before)s) AND (%(usage)s OR kind <> 'usage')
 ORDER BY id DESC LIMIT %(rows)s"""


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


def movements_page(*, workspace_id: int, before: int | None = None, size: int = 50, usage: bool = True) -> MovementPage:
    """A workspace's transfers, newest first; without `usage`, usage is left out but still in the balances."""
    size = max(1, min(size, PAGE_MAX))
    values = {"workspace": workspace_id, "before": before, "usage": usage, "rows": size + 1}
    with connection.cursor() as cursor:
        cursor.execute(MOVEMENTS, values)
        found = [Movement(*row) for row in cursor.fetchall()]
    more = len(found) > size
    return MovementPage(found[:size], found[size - 1].id if more else None)


def payment_get(*, workspace_id: int, payment_id: UUID) -> Payment | None:
    """A payment of this workspace; another's is not found."""
    return Payment.objects.filter(workspace_id=workspace_id, pk=payment_id).first()


def payments_recent(*, workspace_id: int, count: int = 20) -> list[Payment]:
    """A workspace's payments, newest first, whatever became of them."""
    found = Payment.objects.filter(workspace_id=workspace_id).order_by("-created_at")
    return list(found[: max(1, min(count, PAGE_MAX))])
