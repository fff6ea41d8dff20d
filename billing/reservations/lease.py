"""Who may hold credit: a worker's lease, its renewals, and the end of workers that renew no more.

No wall clock is asked. A worker admits only until (the moment its last renewal was sent) + TTL - margin on its own
monotonic clock. It is ended by another that has watched its beat stand still for TTL, counting only the time
between two readings that both succeeded: a database that was away, a watcher that was stopped, or a clock that
jumped adds nothing (docs/decisions/0002-leases-by-beats.md).
"""

import asyncio
import logging
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg

from xroute.lib.clock import DatabaseClock
from xroute.lib.pg import RETRY_STATES, Database, Outage, Row

logger = logging.getLogger("xroute.lease")
RENEW = """
UPDATE billing_worker SET beat = beat + 1, renewed_at = clock_timestamp() WHERE id = %s AND state = 'live'
RETURNING extract(epoch FROM clock_timestamp())::float8"""
# What the worker asked last may still run, and hold its row: then it is not ended yet.
CLOSE = """
SELECT xr_end_worker(%(worker)s, NULL, 'closed')
    OR NOT EXISTS (SELECT 1 FROM billing_worker WHERE id = %(worker)s AND state = 'live')"""
CLOSE_TRIES, CLOSE_PAUSE_S = 10, 0.1
VICTIM_TRIES, VICTIM_PAUSE_S = 5, 0.02
OTHERS = "SELECT id, beat FROM billing_worker WHERE state = 'live' AND id <> %s"


class Watch:
    """How long each worker's beat has stood still, as far as was truly seen. Pure."""

    def __init__(self, *, ttl_s: float, step_max_s: float) -> None:
        self._ttl_s, self._step_max_s = ttl_s, step_max_s
        self._seen: dict[UUID, tuple[int, float]] = {}
        self._last: float | None = None

    def observe(self, now: float, beats: Iterable[tuple[UUID, int]]) -> list[tuple[UUID, int]]:
        """Take a reading made at `now` (monotonic); the (worker, beat) that stood still for the whole TTL."""
        step = 0.0 if self._last is None else min(now - self._last, self._step_max_s)
        self._last = now
        seen: dict[UUID, tuple[int, float]] = {}
        for worker, beat in beats:
            old_beat, still_s = self._seen.get(worker, (beat, -step))
            seen[worker] = (beat, still_s + step if beat == old_beat else 0.0)
        self._seen = seen
        return [(worker, beat) for worker, (beat, still_s) in seen.items() if still_s >= self._ttl_s]


class Lease:
    """This process's worker id and whether it may admit."""

    def __init__(self, db: Database, clock: DatabaseClock, *, ttl_s: float, margin_s: float, beat_s: float) -> None:
        self._db, self._clock = db, clock
        self._ttl_s, self._margin_s, self._beat_s = ttl_s, margin_s, beat_s
        self._watch = Watch(ttl_s=ttl_s, step_max_s=2 * beat_s)
        self._valid_until = float("-inf")
        self._lost = asyncio.Event()
        self.worker_id = uuid4()
        self.workers_alive = 1
        self.on_new: Callable[[UUID], None] = lambda _worker_id: None

    def admits(self) -> bool:
        """Whether credit may be spent now."""
        return time.monotonic() < self._valid_until

    def lose(self) -> None:
        """The database said that this worker has ended: register anew, at once."""
        self._valid_until = float("-inf")
        self._lost.set()

    async def register(self) -> None:
        """A new worker id; raises Outage, and then the next beat tells whether the database took it."""
        self.worker_id = uuid4()
        # What the old id held is gone at once: left to the answer, a lost one would part id and pots for good.
        self.on_new(self.worker_id)
        sent = time.monotonic()
        await self._db.fetch(
            "INSERT INTO billing_worker (id, node, pid) VALUES (%s, %s, %s)",
            (self.worker_id, platform.node()[:100], os.getpid()),
        )
        self._valid_until = sent + self._ttl_s - self._margin_s

    async def beat(self) -> None:
        """Renew, then end workers that renew no more; raises Outage."""
        rows, sent = await self._fetch(RENEW, (self.worker_id,))
        if not rows:
            logger.warning("worker %s was ended by another; registering anew", self.worker_id)
            self._valid_until = float("-inf")
            await self.register()
            return
        self._clock.set(rows[0][0], sent=sent, received=time.monotonic())
        self._valid_until = sent + self._ttl_s - self._margin_s
        await self._end_dead()

    async def _end_dead(self) -> None:
        rows = await self._db.fetch(OTHERS, (self.worker_id,))
        self.workers_alive = 1 + len(rows)
        for worker, beat in self._watch.observe(time.monotonic(), [(row[0], row[1]) for row in rows]):
            ended, _ = await self._fetch("SELECT xr_end_worker(%s, %s, 'expired')", (worker, beat))
            if ended[0][0]:
                logger.warning("worker %s renews no more; what it held went back", worker)

    async def _fetch(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> tuple[list[Row], float]:
        """The rows, and when the try that got them was sent. A deadlock's victim, or one that could not be serialised,
        has changed nothing and is asked again at once: its task would begin anew, and this worker's time pass.
        """
        for _ in range(VICTIM_TRIES - 1):
            sent = time.monotonic()
            try:
                return await self._db.fetch(sql, values), sent
            except psycopg.Error as error:
                if error.sqlstate not in RETRY_STATES:
                    raise
                logger.info("%s in a lease's statement: asked again", error.sqlstate)
            await asyncio.sleep(VICTIM_PAUSE_S)
        sent = time.monotonic()
        return await self._db.fetch(sql, values), sent

    async def close(self) -> None:
        """Give everything back; raises Outage (then another worker will end this one)."""
        self._valid_until = float("-inf")
        for _ in range(CLOSE_TRIES):
            ended, _ = await self._fetch(CLOSE, {"worker": self.worker_id})
            if ended[0][0]:
                return
            await asyncio.sleep(CLOSE_PAUSE_S)

    async def run(self) -> None:
        """Renew for ever."""
        while True:
            try:
                await self.beat()
                pause_s = self._beat_s
            except Outage:
                pause_s = min(1.0, self._beat_s)
            try:
                async with asyncio.timeout(pause_s):
                    await self._lost.wait()
            except TimeoutError:
                pass
            self._lost.clear()
