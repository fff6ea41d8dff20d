"""`make scale RECORDS=10000000`: write the books, then audit, rebuild and read them. `make settle`: the meter alone."""

import argparse
import sys
import time
from pathlib import Path

import psycopg

from tests.scale.server import server
from tests.scale.watch import Watch
from xroute.embedded.home import Home
from xroute.embedded.postgres import APPLICATION, OWNER, SUPERUSER
from xroute.lib.progress import Progress

READ_MS_MAX = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the database, which stays; one that is filled is used")
    parser.add_argument("--settle", type=float, metavar="SECONDS", help="only measure the meter, so long each")
    parser.add_argument("--plans", action="store_true", help="print the plan of every read, not only of slow ones")
    chosen = parser.parse_args()
    with server(chosen.keep) as home:
        if chosen.settle:
            return _settle(home, chosen.settle)
        return _scale(home, chosen.records, plans=chosen.plans)


def _settle(home: Home, seconds: float) -> int:
    from tests.scale.settle import make_accounts, settle

    postgres = home.postgres()
    for line in settle(postgres.url(APPLICATION), make_accounts(postgres.url(SUPERUSER)), seconds=seconds):
        _say(str(line))
    return 0


def _scale(home: Home, records: int, *, plans: bool) -> int:
    from billing.marks import marks_add
    from tests.scale import check

    superuser = home.postgres().url(SUPERUSER)
    _write(home, records)
    began = time.monotonic()
    _say(f"rolled up {check.roll_up(superuser):,} batches in {time.monotonic() - began:.1f} s")
    _say(f"marked {marks_add():,} balances")
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
        parent = int((home.postgres().data / "postmaster.pid").read_text().split()[0])
    with Watch(parent) as watch:
        faults = check.audit_all()
    _say(f"audit: {len(faults)} faults in {watch}")
    check.keep_sums(superuser)
    with Watch(parent) as watch:
        done = check.rebuild()
    wrong = check.different(superuser)
    _say(f"rebuilt {done.mended:,} sums of {done.days} days from nothing: {wrong} differ; {watch}")
    with Watch(parent) as watch:
        again = check.rebuild()
    _say(f"rebuilt them beside themselves: {again.mended} were not right; {watch}")
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE billing_usagerollup, billing_keytotal")
    slow = _reads(plans=plans)
    for fault in faults[:20]:
        _say(f"FAULT {fault}")
    return 1 if faults or wrong or again.mended or slow else 0


def _write(home: Home, records: int) -> None:
    from tests.scale.make import make_books

    superuser = home.postgres().url(SUPERUSER)
    with psycopg.connect(superuser, autocommit=True) as conn:
        if conn.execute("SELECT EXISTS (SELECT 1 FROM billing_usagerecord)").fetchone()[0]:
            _say("the folder is filled already")
            return
    began = time.monotonic()
    bar = Progress("records", records, stream=sys.stderr, unit="records")
    made = make_books(superuser, home.postgres().url(OWNER), records=records, bar=bar)
    took_s = time.monotonic() - began
    _say(f"wrote {made:,} records in {took_s:.0f} s: {made / took_s:,.0f}/s")


def _reads(*, plans: bool) -> int:
    """How many of the reads were slow."""
    from tests.scale import pages

    workspace_id, slow = pages.busiest(), 0
    for name, call in [*pages.reads(workspace_id), *pages.views(workspace_id)]:
        read = pages.timed(name, call)
        over = read.median_ms > READ_MS_MAX and name not in pages.LONG
        slow += over
        _say(f"{name:42} {read.median_ms:8.1f} ms ({min(read.times_ms):.1f} to {max(read.times_ms):.1f})")
        if plans or over:
            for sql, values in read.asked:
                _say(pages.plan(sql, values))
    return slow


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
