"""What is behind a reason of the house's: its transfers, or the calls that nobody paid for. Newest first, by keyset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from billing.house_reasons import CALLS, MOVES, Part, Reason
from xroute.lib import ids

SIZE, LAST = 50, 2**63 - 1
# Which payment a transfer is of: its own reference says so, its refund, its dispute, or the line of Stripe's balance.
TRANSFERS = f"""
WITH {MOVES}, page AS (
  SELECT * FROM moves WHERE reason = %(reason)s AND seat < %(before)s ORDER BY seat DESC LIMIT %(rows)s)
SELECT p.seat::text, p.created_at, p.workspace_id, w.name, coalesce(p.other, ''), p.reference, p.net,
       coalesce(CASE WHEN p.reference ~ '^payment:[0-9a-f-]{{36}}$' THEN substr(p.reference, 9)::uuid END,
                r.payment_id, d.payment_id, l.payment_id)
  FROM page p
  LEFT JOIN accounts_workspace w ON w.id = p.workspace_id
  LEFT JOIN billing_refund r
         ON r.id = CASE WHEN p.reference ~ '^refund:[0-9a-f-]{{36}}$' THEN substr(p.reference, 8)::uuid END
  LEFT JOIN billing_dispute d ON d.id = regexp_replace(p.reference, '^dispute:', '')
  LEFT JOIN billing_transfer t ON t.id = p.id
  LEFT JOIN billing_stripebalancetransaction l
         ON l.id = substring(t.idempotency_key FROM '^txn:([^:]*)(:fee)?$')
 ORDER BY p.seat DESC"""  # noqa: S608
UNPAID = """
SELECT r.id::text, r.created_at, r.workspace_id, w.name, r.provider, r.model, r.house_nanousd, r.id
  FROM billing_usagerecord r LEFT JOIN accounts_workspace w ON w.id = r.workspace_id
 WHERE r.house_nanousd > 0 AND r.created_at >= %(since)s AND r.created_at < %(until)s
   AND r.reason = %(reason)s AND (r.created_at, r.id) < (%(at)s, %(id)s)
 ORDER BY r.created_at DESC, r.id DESC LIMIT %(rows)s"""
NEWEST = UUID(int=(1 << 128) - 1)
FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """An end of a transfer, or a call.

    `other`: the account at the other end, or the provider; `about`: its reference or model.
    `link` is of the payment that it belongs to, or of the call. `nanousd` has the sign that its table has.
    """

    id: str
    at: datetime
    workspace_id: int | None
    workspace: str | None
    other: str
    about: str
    nanousd: int
    link: UUID | None


@dataclass(frozen=True, slots=True)
class Page:
    """`before` asks for the next, older page; empty where this is the last."""

    entries: list[Entry]
    before: str


def house_page(*, reason: Reason, since: datetime, until: datetime, before: str = "") -> Page:
    """In one query, of a range; `before` is that of the page before, anything else asks for the newest."""
    values: dict[str, Any] = {"since": since, "until": until, "reason": reason.id, "rows": SIZE + 1}
    calls = reason.id.startswith(CALLS)
    with connection.cursor() as cursor:
        if calls:
            position = _call(before)
            values |= {"reason": reason.id.removeprefix(CALLS), "id": position, "at": _at(position)}
            cursor.execute(UNPAID, values)
        else:
            cursor.execute(TRANSFERS, values | {"before": _number(before)})
        rows = [Entry(*row) for row in cursor.fetchall()]
    turned = reason.part == Part.BORNE and not calls
    shown = [_turn(row) for row in rows[:SIZE]] if turned else rows[:SIZE]
    return Page(shown, shown[-1].id if len(rows) > SIZE else "")


def _turn(row: Entry) -> Entry:
    return Entry(row.id, row.at, row.workspace_id, row.workspace, row.other, row.about, -row.nanousd, row.link)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else LAST


def _call(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return NEWEST


def _at(call: UUID) -> datetime:
    try:
        return ids.created_at(call)
    except (ValueError, OverflowError, OSError):
        return FAR
