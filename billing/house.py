"""What the house bore and earned in a range, by reason, exactly. All amounts are nano-USD.

The parts of the ledger sum to the change of the house's own accounts (house_reasons.py). Beside them stands what calls
cost that nobody paid for: a provider's bill is in no ledger of ours. Usage is of the time of its calls, all else of
the time it was booked. Three queries, whatever the range.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from billing.house_reasons import CALLS, MOVES, REASONS, USAGE, Part, Reason, reason_named
from billing.ranges import NAMES, range_named

RANGES = NAMES | {"all": "All time"}
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
SUMS = f"WITH {MOVES} SELECT reason, count(*), sum(net)::bigint FROM moves GROUP BY reason"  # noqa: S608
# From rollups and what is not rolled up yet, in one statement: a batch is on exactly one side.
USED = """
SELECT coalesce(sum(requests - not_charged), 0)::bigint, coalesce(sum(cost_nanousd), 0)::bigint,
       coalesce(sum(list_nanousd), 0)::bigint FROM (
  SELECT requests, not_charged, cost_nanousd, list_nanousd FROM billing_usagerollup
   WHERE bucket >= %(since)s AND bucket < %(until)s
   UNION ALL
  SELECT 1, CASE WHEN r.basis = 'not_charged' THEN 1 ELSE 0 END, r.cost_nanousd,
         CASE WHEN r.byok THEN 0 ELSE r.list_nanousd END
    FROM billing_meterbatch b JOIN billing_usagerecord r ON r.batch_id = b.id
   WHERE NOT b.rolled_up AND r.created_at >= %(since)s AND r.created_at < %(until)s) u"""
# Read by a partial index: such calls are few.
UNPAID = """
SELECT reason, count(*), sum(house_nanousd)::bigint FROM billing_usagerecord
 WHERE house_nanousd > 0 AND created_at >= %(since)s AND created_at < %(until)s GROUP BY reason"""


@dataclass(frozen=True, slots=True)
class Row:
    """One reason. `nanousd` is borne, earned or on its way, as its part says; it may be negative. `bar` is 0 to 100."""

    reason: Reason
    count: int
    nanousd: int
    bar: int = 0

    @property
    def listed(self) -> bool:
        return self.reason.id != USAGE


@dataclass(frozen=True, slots=True)
class Table:
    """The reasons of one part that moved something, the greatest first; `quiet` are those that did not."""

    rows: list[Row]
    quiet: list[str]

    @property
    def total(self) -> int:
        return sum(row.nanousd for row in self.rows)


@dataclass(frozen=True, slots=True)
class House:
    """A range, with three tables. `change` is that of the house's own accounts; `unpaid` calls are beside it.

    `listed` is what the calls that were paid for cost at the providers' own prices, `margin` what was earned on them.
    """

    borne: Table
    earned: Table
    between: Table
    listed: int
    margin: int

    @property
    def unpaid(self) -> int:
        return sum(row.nanousd for row in self.borne.rows if row.reason.id.startswith(CALLS))

    @property
    def booked(self) -> int:
        return self.borne.total - self.unpaid

    @property
    def change(self) -> int:
        return self.earned.total - self.booked + self.between.total


def house_span(name: str, *, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """From when up to when, on quarters of an hour, for a name of RANGES."""
    if name == "all":
        return FIRST, range_named("24h", zone=zone, now=now).until
    span = range_named(name, zone=zone, now=now)
    return span.since, span.until


def house_read(*, since: datetime, until: datetime) -> House:
    """Of a range whose ends lie on quarters of an hour."""
    span = {"since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(SUMS, span)
        rows = [_row(REASONS[name], count, net) for name, count, net in cursor.fetchall()]
        cursor.execute(USED, span)
        count, paid, listed = cursor.fetchone()
        rows += [_row(REASONS[USAGE], count, paid)] if count else []
        cursor.execute(UNPAID, span)
        for name, count, nanousd in cursor.fetchall():
            reason = reason_named(f"{CALLS}{name}")
            rows += [Row(reason, count, nanousd)] if reason else []
    borne, earned, between = (_table(part, rows) for part in (Part.BORNE, Part.EARNED, Part.BETWEEN))
    return House(borne, earned, between, listed, paid - listed)


def _row(reason: Reason, count: int, net: int) -> Row:
    return Row(reason, count, -net if reason.part == Part.BORNE else net)


def _table(part: Part, rows: list[Row]) -> Table:
    """Sorted and drawn; "other" stands among the quiet reasons nowhere."""
    mine = sorted((row for row in rows if row.reason.part == part), key=lambda row: (-row.nanousd, row.reason.id))
    most = max((abs(row.nanousd) for row in mine), default=0) or 1
    drawn = [Row(row.reason, row.count, row.nanousd, -(-abs(row.nanousd) * 100 // most)) for row in mine]
    moved = {row.reason.id for row in mine} | {"other"}
    quiet = [reason.says for reason in REASONS.values() if reason.part == part and reason.id not in moved]
    return Table(drawn, quiet)
