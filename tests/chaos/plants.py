"""Faults planted in web workers on purpose: chaos must find each of them. Loaded by planted/sitecustomize.py."""

import asyncio
from typing import Any
from uuid import UUID

from billing.meter import Meter
from billing.record import UsageRecord
from billing.reservations.pots import Hold
from xroute.lib.ids import new_id

EVERY = 40
LATE_S = 0.7
submit = Meter.submit
_count = 0


def _turn() -> bool:
    """True every so often."""
    global _count
    _count += 1
    return _count % EVERY == 0


def drop_settle(meter: Meter, record: UsageRecord, hold: Hold | None, worker_id: UUID) -> "asyncio.Future[Any]":
    """Answered, and never booked."""
    if not _turn():
        return submit(meter, record, hold, worker_id)
    if hold is not None:
        hold.end()
    done = asyncio.get_running_loop().create_future()
    done.set_result("committed")
    return done


def double_settle(meter: Meter, record: UsageRecord, hold: Hold | None, worker_id: UUID) -> "asyncio.Future[Any]":
    """Booked once more, under another id."""
    done = submit(meter, record, hold, worker_id)
    if _turn():
        record.id = new_id()
        submit(meter, record, None, worker_id)
    return done


def ack_before_commit(meter: Meter, record: UsageRecord, hold: Hold | None, worker_id: UUID) -> "asyncio.Future[Any]":
    """Answered first, booked a moment later."""
    loop = asyncio.get_running_loop()
    loop.call_later(LATE_S, submit, meter, record, hold, worker_id)
    done = loop.create_future()
    done.set_result("committed")
    return done


def plant(name: str) -> None:
    Meter.submit = globals()[name]  # type: ignore[method-assign]


SUBMITTED = ("drop_settle", "double_settle", "ack_before_commit")
# What a settlement releases is taken off the account twice: planted in the database, where the rule is kept.
SQL = {"double_release": ("reserved = c.reserved - s.held", "reserved = greatest(0, c.reserved - 2 * s.held)")}
PLANTS = (*SUBMITTED, *SQL)
