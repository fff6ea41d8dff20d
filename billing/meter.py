"""Group commit: finished generations become ledger rows in idempotent batches, or wait fsynced in the spool.

`settle` returns when the record is in one or the other. While one batch commits the next gathers. A batch is
frozen, with its id, at its first attempt; every later attempt, here or from the spool, carries the same id and
the same bytes. A record that the database refuses is set apart, and never stops the others.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid5

import orjson
import psycopg

from billing.record import UsageRecord
from billing.reservations.pots import Hold
from billing.spooling import Spooling
from xroute.lib.ids import new_id
from xroute.lib.pg import RETRY_STATES, Database, Outage

logger = logging.getLogger("xroute.meter")
COMMIT = "SELECT xr_meter_commit(%s, %s, %s::jsonb)"
REJECT = """
INSERT INTO billing_rejectedusage (id, batch_id, payload, error) VALUES (%s, %s, %s::jsonb, %s)
ON CONFLICT (id) DO NOTHING"""
RETRIES_MAX = 5
Outcome = Literal["committed", "spooled"]


@dataclass(slots=True)
class Entry:
    """One record on its way, and who waits for it."""

    worker_id: UUID
    record: dict[str, Any]
    hold: Hold | None
    done: "asyncio.Future[Outcome]"


@dataclass(frozen=True, slots=True)
class Batch:
    """Frozen: the same id always carries the same records."""

    id: UUID
    worker_id: UUID
    records: list[dict[str, Any]] = field(repr=False)

    def to_bytes(self) -> bytes:
        return orjson.dumps({"id": str(self.id), "worker": str(self.worker_id), "records": self.records})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Batch":
        raw = orjson.loads(data)
        return cls(UUID(raw["id"]), UUID(raw["worker"]), raw["records"])

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same records as two batches, for one that the server has surely rolled back.

        Their ids follow from this one's, so that a second try of a half-done split meets itself.
        """
        middle = len(self.records) // 2
        first, second = self.records[:middle], self.records[middle:]
        return (
            Batch(uuid5(self.id, "first"), self.worker_id, first),
            Batch(uuid5(self.id, "second"), self.worker_id, second),
        )


class Committer:
    """Puts batches into the database. Raises Outage, after which the outcome is unknown."""

    def __init__(self, db: Database, *, timeout_s: float) -> None:
        self._db, self._timeout_s = db, timeout_s

    async def commit(self, batch: Batch) -> set[str]:
        """All of it is booked or set apart when this returns; the ids that were set apart."""
        try:
            await self._once(batch)
        except psycopg.Error as error:
            if len(batch.records) == 1:
                await self._set_apart(batch, error)
                return {batch.records[0]["id"]}
            first, second = batch.halves()
            return await self.commit(first) | await self.commit(second)
        return set()

    async def _once(self, batch: Batch) -> None:
        values = (batch.id, batch.worker_id, orjson.dumps(batch.records).decode())
        for attempt in range(RETRIES_MAX):
            try:
                await self._db.fetch(COMMIT, values, timeout_s=self._timeout_s)
                return
            except psycopg.Error as error:
                if error.sqlstate not in RETRY_STATES:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise Outage("deadlocks")

    async def _set_apart(self, batch: Batch, error: psycopg.Error) -> None:
        record = batch.records[0]
        logger.error("ALERT usage %s rejected by the database: %s", record.get("id"), error.sqlstate)
        payload, reason = orjson.dumps(record).decode(), f"{error.sqlstate}: {error}"[:2000]
        try:
            await self._db.fetch(REJECT, (record["id"], batch.id, payload, reason))
        except psycopg.DataError:
            # Not even jsonb takes it: keep the text of it, so that it is neither lost nor tried for ever.
            quoted = orjson.dumps({"unreadable": payload}).decode()
            await self._db.fetch(REJECT, (record["id"], batch.id, quoted, reason))


class Meter:
    """The gathering side: one flusher per process."""

    def __init__(self, committer: Committer, spooling: Spooling, *, batch_max: int) -> None:
        self._committer, self._spooling, self._batch_max = committer, spooling, batch_max
        self._queue: list[Entry] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def settle(self, record: UsageRecord, hold: Hold | None, worker_id: UUID) -> Outcome:
        """Book `record` and end `hold`. A waiter that is cancelled changes nothing: the record is booked."""
        return await asyncio.shield(self.submit(record, hold, worker_id))

    def submit(self, record: UsageRecord, hold: Hold | None, worker_id: UUID) -> "asyncio.Future[Outcome]":
        """As settle, without waiting."""
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        row = record.as_json(held=0, key_held=0)
        if hold is not None:
            row["held"], row["key_held"] = hold.consume(row["cost"])
            worker_id = hold.worker_id
        self._queue.append(Entry(worker_id, row, hold, done))
        self._idle.clear()
        self._wake.set()
        return done

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            # First, for where this task died and was started again.
            while self._queue:
                await self._flush(self._next())
            self._idle.set()
            await self._wake.wait()
            self._wake.clear()

    async def drained(self) -> None:
        """Wait until nothing is queued."""
        await self._idle.wait()

    def _next(self) -> list[Entry]:
        """The longest run at the front of one worker id, up to the batch's limit."""
        worker_id, count = self._queue[0].worker_id, 0
        for entry in self._queue[: self._batch_max]:
            if entry.worker_id != worker_id:
                break
            count += 1
        entries, self._queue = self._queue[:count], self._queue[count:]
        return entries

    async def _flush(self, entries: Sequence[Entry]) -> None:
        batch = Batch(new_id(), entries[0].worker_id, [entry.record for entry in entries])
        outcome, apart = await self._secure(batch)
        for entry in entries:
            if entry.hold is not None:
                if entry.record["id"] in apart:
                    entry.hold.consumed = entry.hold.key_consumed = 0
                entry.hold.end()
            if not entry.done.done():
                entry.done.set_result(outcome)

    async def _secure(self, batch: Batch) -> tuple[Outcome, set[str]]:
        """In the ledger or on disk, and what was set apart; nobody is answered before one of them holds it."""
        while True:
            try:
                return "committed", await self._committer.commit(batch)
            except Outage:
                pass
            except Exception:
                logger.exception("ALERT the meter failed on batch %s; spooling it", batch.id)
            try:
                await self._spooling.keep(batch.to_bytes())
                return "spooled", set()
            except OSError:
                logger.exception("ALERT the spool cannot be written; answers wait")
                await asyncio.sleep(0.5)
