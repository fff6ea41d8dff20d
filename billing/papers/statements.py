"""What happened to a workspace's credit in a calendar month (UTC). Amounts are nano-USD.

What stood when a month began is counted from the last mark before it, and its movements are read between two places, so
that neither grows with the history; opening + movements = closing. Usage by day, model and key comes from the roll-ups
and is dated by when a call began; its movement is dated by when it was booked, so at the turn of a month the two may
differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from billing.charts import key_names
from billing.given import given_words
from billing.history import movement_words
from billing.models import CreditAccount
from billing.papers.months import Month, month_of, months_between
from billing.papers.places import places
from billing.sums import USAGE

CSV_ROWS = 1000
ACCOUNT = "(SELECT %(account)s::bigint)"  # not the number itself: see places.py
# Both sides between two places (billing/papers/places.py), each by its index. Usage never comes in.
MOVED = """
(SELECT id, kind, reference, created_at, -amount AS signed FROM billing_transfer
  WHERE debit_account_id = {account} AND id >= {low} AND id < {high} {rest})
 UNION ALL
(SELECT id, kind, reference, created_at, amount FROM billing_transfer
  WHERE credit_account_id = {account} AND kind <> 'usage' AND id >= {low} AND id < {high} {rest})"""
# What stood before a moment: the last mark that is surely before it (billing/marks.py), and what came since.
STOOD = f"""
SELECT p.at, coalesce(m.balance, 0) + coalesce(later.sum, 0)::bigint AS balance
  FROM unnest(%(ats)s::timestamptz[], %(lows)s::bigint[], %(highs)s::bigint[]) p (at, low, high)
  LEFT JOIN LATERAL (SELECT transfer_id, balance FROM billing_balancemark
    WHERE account_id = %(account)s AND transfer_id < p.low ORDER BY transfer_id DESC LIMIT 1) m ON true
 CROSS JOIN LATERAL (SELECT sum(signed) FROM (
    {MOVED.format(account=ACCOUNT, low="coalesce(m.transfer_id + 1, 0)", high="p.high", rest="")}) since
    WHERE created_at < p.at) later"""  # noqa: S608
MONTH_MOVED = MOVED.format(account=ACCOUNT, low="%(low)s", high="%(high)s", rest="{rest}")
IN_MONTH = "AND created_at >= %(since)s AND created_at < %(until)s"
KINDS = f"""
SELECT kind, signed > 0, count(*), sum(signed)::bigint,
       CASE WHEN kind IN ('promotion', 'correction', 'write_off') THEN reference ELSE '' END
  FROM ({MONTH_MOVED.format(rest=IN_MONTH)}) moved GROUP BY 1, 2, 5
 UNION ALL SELECT '', true, 0, balance, '' FROM ({STOOD}) stood"""  # noqa: S608
CAME = f"""
SELECT date_trunc('month', created_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(amount)::bigint, 'came'
  FROM billing_transfer WHERE credit_account_id = %(account)s AND kind <> 'usage' GROUP BY 1
 UNION ALL SELECT at, balance, 'stood' FROM ({STOOD}) stood
 UNION ALL SELECT NULL, posted, 'now' FROM billing_creditaccount WHERE id = %(account)s"""  # noqa: S608
LINES = f"""
SELECT id, created_at, kind, reference, signed
  FROM ({MONTH_MOVED.format(rest=f"{IN_MONTH} ORDER BY id LIMIT %(rows)s")}) moved
 ORDER BY id LIMIT %(rows)s"""  # noqa: S608
USED = f"""
SELECT (at AT TIME ZONE 'UTC')::date, model, key_id, sum(requests)::bigint,
       sum(prompt_tokens + completion_tokens)::bigint, sum(cost_nanousd)::bigint
  FROM {USAGE} GROUP BY 1, 2, 3"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Moved:
    """All movements of a kind in one direction; `amount` is negative where credit went out.

    What was given or taken by hand is a row for each `reference`, and has a name of its own.
    """

    kind: str
    count: int
    amount: int
    reference: str
    what: str


@dataclass(slots=True)
class Used:
    """Usage of a day, a model or a key."""

    name: str
    requests: int = 0
    tokens: int = 0
    cost: int = 0

    def add(self, requests: int, tokens: int, cost: int) -> None:
        self.requests, self.tokens, self.cost = self.requests + requests, self.tokens + tokens, self.cost + cost


@dataclass(frozen=True, slots=True)
class Statement:
    """`opening` + the amounts of `moved` = `closing`. `under_way`: the month is not over, and all is as of `as_of`."""

    month: Month
    under_way: bool
    as_of: datetime
    opening: int
    closing: int
    moved: tuple[Moved, ...]
    days: tuple[Used, ...]
    models: tuple[Used, ...]
    keys: tuple[Used, ...]

    @property
    def words(self) -> str:
        """The month, and whether that is all of it: November 2026 so far."""
        return f"{self.month.words} so far" if self.under_way else self.month.words

    @property
    def used(self) -> int:
        """Usage by when the calls began."""
        return sum(day.cost for day in self.days)

    @property
    def booked(self) -> int:
        """Usage by when it was booked."""
        return -sum(row.amount for row in self.moved if row.kind == "usage")


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer, seen from the workspace."""

    id: int
    created_at: datetime
    kind: str
    reference: str
    amount: int


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month in the list; `came` and `went` are both positive."""

    month: Month
    under_way: bool
    came: int
    went: int
    closing: int


def month_known(*, workspace: Workspace, year: int, month: int) -> Month | None:
    """The month, where the workspace was there then; months to come are not known."""
    if not 1 <= month <= 12 or not 2000 <= year <= 9999:
        return None
    found = Month(year, month)
    return found if month_of(workspace.created_at) <= found <= month_of(timezone.now()) else None


def months(*, workspace: Workspace) -> list[MonthRow]:
    """Every month since the workspace began, the newest first, from one statement and the balance in it."""
    first, last = month_of(workspace.created_at), month_of(timezone.now())
    known = months_between(first, last)
    came, stood, now = _came(workspace, [month.since for month in known[:-1]])
    found, closing = [], now
    for month in known:
        opening = stood.get(month.since, 0)  # it began with nothing
        added = came.get(month.since, 0)
        found.append(MonthRow(month, month == last, added, opening + added - closing, closing))
        closing = opening
    return found


def _came(workspace: Workspace, ats: list[datetime]) -> tuple[dict[datetime, int], dict[datetime, int], int]:
    """What came in by month, what stood at these moments, and what stands now, from one statement."""
    account_id = _account_id(workspace)
    if account_id is None:
        return {}, {}, 0
    with connection.cursor() as cursor:
        cursor.execute(CAME, _stood_values(account_id, ats))
        rows = cursor.fetchall()
    found = {what: {row[0]: row[1] for row in rows if row[2] == what} for what in ("came", "stood", "now")}
    return found["came"], found["stood"], found["now"].get(None, 0)


def _account_id(workspace: Workspace) -> int | None:
    return CreditAccount.objects.filter(workspace=workspace).values_list("pk", flat=True).first()


def _stood_values(account_id: int, ats: list[datetime]) -> dict[str, Any]:
    found = places(account_id=account_id, moments=ats)
    return {"account": account_id, "ats": ats, "lows": [low for low, _ in found], "highs": [high for _, high in found]}


def _month_values(account_id: int, month: Month) -> dict[str, Any]:
    """A month of this account, between its places."""
    (low, begun), (_, high) = places(account_id=account_id, moments=[month.since, month.until])
    values = {"account": account_id, "since": month.since, "until": month.until, "low": low, "high": high}
    return values | {"ats": [month.since], "lows": [low], "highs": [begun]}


def statement(*, workspace: Workspace, month: Month) -> Statement:
    """The workspace's month."""
    opening, rows = _moved(workspace, month)
    with connection.cursor() as cursor:
        cursor.execute(USED, {"workspace": workspace.pk, "since": month.since, "until": month.until})
        used = cursor.fetchall()
    given = given_words(row[4] for row in rows)
    moved = tuple(
        Moved(row[0], row[2], row[3], row[4], movement_words(row[0], row[3], given.get(row[4], "")))
        for row in sorted(rows)
    )
    names = key_names(workspace_id=workspace.pk)
    now = timezone.now()
    return Statement(
        month=month,
        under_way=month == month_of(now),
        as_of=min(now, month.until),
        opening=opening,
        closing=opening + sum(row.amount for row in moved),
        moved=moved,
        days=tuple(sorted(_grouped((row[0].isoformat(), row) for row in used), key=lambda one: one.name)),
        models=_ranked(_grouped((row[1], row) for row in used)),
        keys=_ranked(_grouped((names.get(str(row[2]), f"key {row[2]}"), row) for row in used)),
    )


def _moved(workspace: Workspace, month: Month) -> tuple[int, list[tuple[Any, ...]]]:
    """What stood when the month began, and its movements by kind, from one statement."""
    account_id = _account_id(workspace)
    if account_id is None:
        return 0, []
    with connection.cursor() as cursor:
        cursor.execute(KINDS, _month_values(account_id, month))
        rows = cursor.fetchall()
    return sum(row[3] for row in rows if not row[0]), [row for row in rows if row[0]]


def movements(*, workspace: Workspace, month: Month) -> Iterator[Line]:
    """Every movement of the month in the order they were booked, read in pages: a month may have a great many."""
    account_id = _account_id(workspace)
    if account_id is None:
        return
    values = _month_values(account_id, month) | {"rows": CSV_ROWS}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LINES, values)
            page = [Line(*row) for row in cursor.fetchall()]
        yield from page
        if len(page) < CSV_ROWS:
            return
        values["low"] = page[-1].id + 1


def _grouped(rows: Iterator[tuple[str, tuple[Any, ...]]]) -> list[Used]:
    found: dict[str, Used] = {}
    for name, row in rows:
        found.setdefault(name, Used(name)).add(row[3], row[4], row[5])
    return list(found.values())


def _ranked(found: list[Used]) -> tuple[Used, ...]:
    return tuple(sorted(found, key=lambda one: (-one.cost, -one.requests, one.name)))
