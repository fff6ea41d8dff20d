"""What must hold once the books are written: the audit, and rollups that are identical however they were made."""

import sys

import psycopg

from billing.audit import Fault, audit
from billing.rollups import COLUMNS, Rebuilt, rollups_add, rollups_rebuild
from tests.billing.books import NO_SPOOL
from xroute.lib.progress import Progress

TOTALS = "key_id, requests, cost_nanousd, last_bucket"
DIFFERENT = """
SELECT count(*) FROM ((SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {two})
             UNION ALL (SELECT {columns} FROM {two} EXCEPT ALL SELECT {columns} FROM {one})) d"""


def roll_up(superuser_url: str) -> int:
    """As the task does, until nothing waits; how many batches."""
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        waiting = conn.execute("SELECT count(*) FROM billing_meterbatch WHERE NOT rolled_up").fetchone()[0]
    bar, done = Progress("roll-up", waiting, stream=sys.stderr, unit="batches"), 0
    while count := rollups_add():
        done += count
        bar.add(count)
    bar.finish()
    return done


def audit_all() -> list[Fault]:
    """The audit, with its bar."""
    bar = Progress("audit", 1, stream=sys.stderr)
    faults = audit(spool_dir=NO_SPOOL, on_step=lambda what, number, count: bar.set(number / count, what))
    bar.finish()
    return faults


def keep_sums(superuser_url: str) -> None:
    """Put a copy of the sums aside, and empty the tables."""
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("DROP TABLE IF EXISTS scale_rollup; DROP TABLE IF EXISTS scale_total")
        conn.execute(f"CREATE UNLOGGED TABLE scale_rollup AS SELECT {COLUMNS} FROM billing_usagerollup")
        conn.execute(f"CREATE UNLOGGED TABLE scale_total AS SELECT {TOTALS} FROM billing_keytotal")
        conn.execute("TRUNCATE billing_usagerollup, billing_keytotal")


def rebuild() -> Rebuilt:
    """From the records alone, with a bar."""
    bar: list[Progress] = []

    def on_day(day, number, days) -> None:
        if not bar:
            bar.append(Progress("rebuild", days, stream=sys.stderr, unit="days"))
        bar[0].add(1, str(day))

    done = rollups_rebuild(on_day=on_day)
    for one in bar:
        one.finish()
    return done


def different(superuser_url: str) -> int:
    """Rows of sums that are in the copy or in the table, but not in both."""
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("SET work_mem = '64MB'")
        rollups = DIFFERENT.format(columns=COLUMNS, one="billing_usagerollup", two="scale_rollup")
        totals = DIFFERENT.format(columns=TOTALS, one="billing_keytotal", two="scale_total")
        found = [conn.execute(query).fetchone()[0] for query in (rollups, totals)]
        conn.execute("DROP TABLE scale_rollup, scale_total")
    return sum(found)
