"""What happened to a workspace's credit in a calendar month (UTC). Amounts are nano-USD.

Movements come from transfers in one statement; what was there before is today's balance less all that came since, so
that opening + movements = closing. Usage by day, model and key comes from the roll-ups and is dated by when a call
began; its movement is dated by when it was booked, so at the turn of a month the two may differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from billing.charts import key_names
from billing.given import given_words
from billing.history import movement_words
from billing.papers.months import Month, month_of, months_between
from billing.sums import USAGE

CSV_ROWS = 1000
MOVED = """
WITH account AS (SELECT id, posted FROM billing_creditaccount WHERE workspace_id = %(workspace)s),
moved AS (
  SELECT t.id, t.kind, t.reference, t.created_at, t.amount AS signed
    FROM billing_transfer t WHERE t.credit_account_id = (SELECT id FROM account) AND t.created_at >= %(since)s
   UNION ALL
  SELECT t.id, t.kind, t.reference, t.created_at, -t.amount
    FROM billing_transfer t WHERE t.debit_account_id = (SELECT id FROM account) AND t.created_at >= %(since)s)
"""
KINDS = f"""{MOVED}
SELECT CASE WHEN created_at < %(until)s THEN kind ELSE '' END, signed > 0, count(*), sum(signed)::bigint,
       (SELECT posted FROM account),
       CASE WHEN created_at < %(until)s AND kind IN ('promotion', 'correction', 'write_off') THEN reference ELSE '' END
  FROM moved GROUP BY 1, 2, 6
 UNION ALL SELECT '', true, 0, 0::bigint, posted, '' FROM account"""  # noqa: S608
MONTHS = f"""{MOVED}
SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date,
       coalesce(sum(signed) FILTER (WHERE signed > 0), 0)::bigint,
       coalesce(-sum(signed) FILTER (WHERE signed < 0), 0)::bigint
  FROM moved GROUP BY 1"""  # noqa: S608
LINES = f"""{MOVED}
SELECT id, created_at, kind, reference, signed FROM moved
 WHERE created_at < %(until)s AND (created_at, id) > (%(after_at)s, %(after_id)s)
 ORDER BY created_at, id LIMIT %(rows)s"""  # noqa: S608
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
    values: dict[str, Any] = {"workspace": workspace.pk, "since": first.since}
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, values)
        moved: dict[date, tuple[int, int]] = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    closing = sum(came - went for came, went in moved.values())  # it began with nothing
    found = []
    for month in months_between(first, last):
        came, went = moved.get(month.since.date(), (0, 0))
        found.append(MonthRow(month, month == last, came, went, closing))
        closing += went - came
    return found


def statement(*, workspace: Workspace, month: Month) -> Statement:
    """The workspace's month."""
    values: dict[str, Any] = {"workspace": workspace.pk, "since": month.since, "until": month.until}
    with connection.cursor() as cursor:
        cursor.execute(KINDS, values)
        rows = cursor.fetchall()
        cursor.execute(USED, values)
        used = cursor.fetchall()
    given = given_words(row[5] for row in rows)
    moved = tuple(
        Moved(row[0], row[2], row[3], row[5], movement_words(row[0], row[3], given.get(row[5], "")))
        for row in sorted(rows)
        if row[0]
    )
    closing = rows[0][4] - sum(row[3] for row in rows if not row[0])
    names = key_names(workspace_id=workspace.pk)
    now = timezone.now()
    return Statement(
        month=month,
        under_way=month == month_of(now),
        as_of=min(now, month.until),
        opening=closing - sum(row.amount for row in moved),
        closing=closing,
        moved=moved,
        days=tuple(sorted(_grouped((row[0].isoformat(), row) for row in used), key=lambda one: one.name)),
        models=_ranked(_grouped((row[1], row) for row in used)),
        keys=_ranked(_grouped((names.get(str(row[2]), f"key {row[2]}"), row) for row in used)),
    )


def movements(*, workspace: Workspace, month: Month) -> Iterator[Line]:
    """Every movement of the month in the order of its time, read in pages: a month may have a great many."""
    values: dict[str, Any] = {"workspace": workspace.pk, "since": month.since, "until": month.until, "rows": CSV_ROWS}
    after_at, after_id = month.since, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LINES, values | {"after_at": after_at, "after_id": after_id})
            page = [Line(*row) for row in cursor.fetchall()]
        yield from page
        if len(page) < CSV_ROWS:
            return
        after_at, after_id = page[-1].created_at, page[-1].id


def _grouped(rows: Iterator[tuple[str, tuple[Any, ...]]]) -> list[Used]:
    found: dict[str, Used] = {}
    for name, row in rows:
        found.setdefault(name, Used(name)).add(row[3], row[4], row[5])
    return list(found.values())


def _ranked(found: list[Used]) -> tuple[Used, ...]:
    return tuple(sorted(found, key=lambda one: (-one.cost, -one.requests, one.name)))
