"""A worker's parts, wired as routing.lifecycle wires them, without the rest of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from billing.meter import Batch, Committer, Meter
from billing.pricing import Usage
from billing.record import UsageRecord
from billing.reservations.lease import Lease
from billing.reservations.pots import Hold, Pots, Want
from billing.reservations.treasurer import Treasurer
from billing.spooling import Spooling
from xroute.lib.clock import DatabaseClock
from xroute.lib.ids import new_id
from xroute.lib.pg import Database, Outage


@dataclass(slots=True)
class Worker:
    """One worker of a web process."""

    db: Database
    lease: Lease
    treasurer: Treasurer
    committer: Committer
    meter: Meter
    spooling: Spooling

    @property
    def id(self) -> UUID:
        return self.lease.worker_id

    async def reserve(self, account: int, amount: int, **values: Any) -> Hold:
        return await self.treasurer.reserve(Want(account, amount, values.pop("floor", amount), **values))

    async def settle(self, hold: Hold | None, cost: int, **values: Any) -> str:
        account = values.pop("account", hold.want.account_id if hold else 0)
        return await self.meter.settle(record(account, cost, hold, **values), hold, self.id)

    async def replay(self, batch: bytes) -> None:
        await self.committer.commit(Batch.from_bytes(batch))


def record(account: int, cost: int, hold: Hold | None = None, **values: Any) -> UsageRecord:
    """A finished generation."""
    values.setdefault("id", new_id())
    values.setdefault("basis", "reported")
    if hold is not None:
        values.setdefault("period", hold.want.period)
        values.setdefault("key_id", hold.want.key_id or 1)
    values.setdefault("period", None)
    values.setdefault("key_id", 1)
    usage = Usage(prompt=3, completion=2)
    given = {"workspace_id": account, "account_id": account, "request_id": "r", "model": "m", "usage": usage}
    return UsageRecord(cost=cost, **(given | values))


def batch_of(worker_id: UUID, *records: UsageRecord) -> Batch:
    """A batch of records for which nothing is held."""
    return Batch(new_id(), worker_id, [each.as_json(held=0, key_held=0) for each in records])


@asynccontextmanager
async def worker(
    url: str,
    *,
    spool: Path = Path("/nonexistent"),
    ttl_s: float = 60,
    beat_s: float = 5,
    idle_s: float = 10,
    overage_limit: int = 0,
    commit_timeout_s: float = 2,
    batch_max: int = 200,
    beating: bool = False,
) -> AsyncIterator[Worker]:
    """A registered worker whose treasurer and meter run; with `beating` it renews itself."""
    db = Database(url, size_max=4)
    lease = Lease(db, DatabaseClock(), ttl_s=ttl_s, margin_s=ttl_s / 4, beat_s=beat_s)
    treasurer = Treasurer(
        db,
        Pots(lease.worker_id),
        admits=lease.admits,
        overage_limit=overage_limit,
        idle_s=idle_s,
        wait_s=commit_timeout_s + 1,
    )
    lease.on_new = lambda worker_id: treasurer.restart(Pots(worker_id))
    treasurer.on_expired = lease.lose
    spooling = Spooling(spool)
    committer = Committer(db, timeout_s=commit_timeout_s)
    found = Worker(db, lease, treasurer, committer, Meter(committer, spooling, batch_max=batch_max), spooling)
    await db.open(timeout_s=10)
    await lease.register()
    loops = [found.treasurer.run(), found.meter.run()] + ([lease.run()] if beating else [])
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield found
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(Outage):
            await lease.close()
        await spooling.close()
        await db.close()


def end_worker(worker_id: UUID) -> tuple[str, tuple[Any, ...]]:
    """What another worker does to one that renews no more."""
    return "SELECT xr_end_worker(%s, NULL, 'expired')", (worker_id,)
