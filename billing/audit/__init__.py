"""Prove the books. Every check is one statement that names what is off; an empty answer proves the rule.

All checks read one snapshot (REPEATABLE READ), so that what is under way cannot look like a fault. The records are
read once, into the sums of scan.py; a check that can do with those must not read the records again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from billing.audit import accounts, gifts, payments, stripe, usage
from billing.audit.scan import scan_all, scans
from billing.spool import damaged, waiting

SPOOL_AGE_MAX_S = 60
CHECKS: dict[str, str] = accounts.CHECKS | usage.CHECKS | payments.CHECKS | gifts.CHECKS | stripe.CHECKS
ROWS_MAX = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is off."""

    check: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}"


def audit(
    *, spool_dir: Path, using: str = "default", on_step: Callable[[str, int, int], None] = lambda *_: None
) -> list[Fault]:
    """Everything that is off; an empty list proves the books.

    `on_step` hears what is looked at next, the number of that step from 0, and how many there are.
    """
    faults: list[Fault] = []
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ranges = scans(cursor)
        count = len(ranges) + len(CHECKS)
        for number, what in enumerate(scan_all(cursor, ranges)):
            on_step(what, number, count)
        for number, (check, sql) in enumerate(CHECKS.items(), len(ranges)):
            on_step(check, number, count)
            faults += _run(cursor, check, sql)
    return [*faults, *_spool(spool_dir)]


def _run(cursor: Any, check: str, sql: str) -> Iterator[Fault]:
    cursor.execute(f"SELECT * FROM ({sql}) faults LIMIT {ROWS_MAX}")  # noqa: S608
    return (Fault(check, row[0]) for row in cursor.fetchall())


def _spool(folder: Path) -> Iterator[Fault]:
    for path in waiting(folder):
        age_s = time.time() - path.stat().st_mtime
        if age_s > SPOOL_AGE_MAX_S:
            yield Fault("a spool file is older than a minute", f"{path.name}: {age_s:.0f} s")
    for path in damaged(folder):
        yield Fault("a spool file was damaged", path.name)
