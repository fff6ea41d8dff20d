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
_AGAIN = """
CREATE FUNCTION chaos_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, idempotency_key)
  VALUES (NEW.debit_account_id, NEW.credit_account_id, NEW.amount, NEW.kind, NEW.reference,
          NEW.idempotency_key || ':again');
  UPDATE billing_creditaccount SET posted = posted + NEW.amount WHERE id = NEW.credit_account_id;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_again AFTER INSERT ON billing_transfer FOR EACH ROW
  WHEN (NEW.kind = 'top_up' AND NEW.idempotency_key NOT LIKE '%:again') EXECUTE FUNCTION chaos_again()"""
_SHORT = """
CREATE FUNCTION chaos_short() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.amount := NEW.amount - 1; RETURN NEW; END $$;
CREATE TRIGGER chaos_short BEFORE INSERT ON billing_transfer FOR EACH ROW
  WHEN (NEW.kind = 'top_up') EXECUTE FUNCTION chaos_short()"""
# A payment is credited once more, or by one nano-USD less than was paid.
TRIGGERS = {"double_top_up": _AGAIN, "short_top_up": _SHORT}
PLANTS = (*SUBMITTED, *SQL, *TRIGGERS)
