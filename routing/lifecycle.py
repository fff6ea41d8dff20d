"""Start and stop of a web process: all parts stand before the socket accepts, and all is given back at the end."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings

from accounts import callers
from accounts.callers import Directory
from accounts.limits import Windows
from accounts.limits_sync import LimitsSync
from billing.books import compare_stamp
from billing.meter import Batch, Committer, Meter
from billing.reservations.lease import Lease
from billing.reservations.pots import Pots
from billing.reservations.treasurer import Treasurer
from billing.spooling import Spooling
from routing import runtime as runtimes
from routing.catalogue import Catalogue
from routing.configuration import health_limits, limits_from_settings, upstream_limits
from routing.estimate import Expected
from routing.health import Health
from routing.proxy.generation import STOPPING
from routing.runtime import Runtime
from routing.upstream import Upstream
from xroute.lib.clock import DatabaseClock
from xroute.lib.env import BadSetting
from xroute.lib.listen import Listener
from xroute.lib.pg import Database, Outage

logger = logging.getLogger("xroute.web")
START_WAIT_S, SETTLE_WAIT_S = 30, 5
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def make_runtime() -> Runtime:
    """All parts of a process, wired but not started."""
    db = Database(settings.DATABASE_URL, size_max=settings.XROUTE_POOL_MAX)
    clock = DatabaseClock()
    lease = Lease(
        db,
        clock,
        ttl_s=settings.XROUTE_LEASE_TTL_S,
        margin_s=settings.XROUTE_LEASE_MARGIN_S,
        beat_s=settings.XROUTE_HEARTBEAT_S,
    )
    treasurer = Treasurer(
        db,
        Pots(lease.worker_id),
        admits=lease.admits,
        overage_limit=settings.XROUTE_OVERAGE_LIMIT_NANOUSD,
        idle_s=settings.XROUTE_HOLD_IDLE_S,
        wait_s=settings.XROUTE_COMMIT_TIMEOUT_S + 1,
    )
    lease.on_new = lambda worker_id: treasurer.restart(Pots(worker_id))
    treasurer.on_expired = lease.lose
    spooling = Spooling(settings.XROUTE_SPOOL_DIR)
    committer = Committer(db, timeout_s=settings.XROUTE_COMMIT_TIMEOUT_S)
    return Runtime(
        db=db,
        clock=clock,
        directory=Directory(
            db,
            poll_s=settings.XROUTE_KEY_POLL_S,
            grace_s=settings.XROUTE_OUTAGE_GRACE_S,
            cache_s=settings.XROUTE_KEY_CACHE_S,
            size_max=settings.XROUTE_KEY_CACHE_MAX,
        ),
        lease=lease,
        treasurer=treasurer,
        meter=Meter(committer, spooling, batch_max=settings.XROUTE_METER_BATCH_MAX),
        spooling=spooling,
        catalogue=Catalogue(
            db,
            encryption_keys=settings.XROUTE_ENCRYPTION_KEYS,
            sandbox_url=settings.XROUTE_SANDBOX_URL if settings.XROUTE_MODE == "demo" else "",
        ),
        health=Health(limits=health_limits()),
        expected=Expected(),
        upstream=Upstream(upstream_limits()),
        windows=Windows(
            requests_per_minute=settings.XROUTE_KEY_REQUESTS_PER_MINUTE,
            tokens_per_minute=settings.XROUTE_KEY_TOKENS_PER_MINUTE,
        ),
        limits=limits_from_settings(),
    )


async def start() -> Runtime:
    """A running runtime, installed for views; raises where the installation must not serve."""
    runtime = make_runtime()
    await runtime.db.open(timeout_s=START_WAIT_S)
    await _check_database(runtime.db)
    await runtime.lease.register()
    await runtime.lease.beat()
    await runtime.directory.poll()
    await runtime.catalogue.refresh()
    listener = Listener(
        settings.DATABASE_DIRECT_URL,
        {
            "xr_key": runtime.directory.hurry,
            "xr_recall": runtime.treasurer.recalled,
            "xr_catalogue": runtime.catalogue.hurry,
        },
    )
    committer = Committer(runtime.db, timeout_s=settings.XROUTE_COMMIT_TIMEOUT_S)

    async def replay(batch: bytes) -> None:
        await committer.commit(Batch.from_bytes(batch))

    sync = LimitsSync(runtime.windows, settings.REDIS_URL)
    for name, work in {
        "lease": runtime.lease.run,
        "keys": runtime.directory.run,
        "catalogue": runtime.catalogue.run,
        "treasurer": runtime.treasurer.run,
        "meter": runtime.meter.run,
        "listener": listener.run,
        "spool": lambda: runtime.spooling.run(replay),
        "limits": sync.run,
    }.items():
        runtime.background.append(asyncio.create_task(_supervised(runtime, name, work), name=name))
    callers.install(runtime.directory)
    runtimes.install(runtime)
    gc.collect()
    gc.freeze()
    return runtime


async def _check_database(db: Database) -> None:
    for name in DURABLE:
        value = (await db.fetch(f"SHOW {name}"))[0][0]
        if value in ("off", "local"):
            raise BadSetting(f"PostgreSQL runs with {name} = {value}; the ledger needs it on. Change postgresql.conf.")
    made = (await db.fetch("SELECT to_regclass('billing_books') IS NOT NULL"))[0][0]
    rows = await db.fetch("SELECT stamp FROM billing_books") if made else []
    if not rows:
        raise BadSetting("The database has no books yet. Run `manage.py migrate` first.")
    compare_stamp(rows[0][0])


async def _supervised(runtime: Runtime, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` for ever; its death is logged, fails readiness, and is mended after a second."""
    while True:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("ALERT the task %s died; starting it again", name)
        runtime.broken = f"the task {name} died"
        await asyncio.sleep(1)
        runtime.broken = ""


async def stop(runtime: Runtime) -> None:
    """End what still runs, settle it, give everything back."""
    runtime.closing = True
    await _end_running(runtime)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_WAIT_S):
            await runtime.meter.drained()
    for task in runtime.background:
        task.cancel()
    await asyncio.gather(*runtime.background, return_exceptions=True)
    with contextlib.suppress(Outage):
        await runtime.lease.close()
    await runtime.spooling.close()
    await runtime.upstream.aclose()
    await runtime.db.close()
    callers.install(None)
    runtimes.install(None)


async def _end_running(runtime: Runtime) -> None:
    for generation in list(runtime.running):
        generation.client_gone(STOPPING)
    if runtime.tasks:
        await asyncio.wait(runtime.tasks, timeout=2)
    for task in list(runtime.tasks):
        task.cancel()
    if runtime.tasks:
        await asyncio.wait(runtime.tasks, timeout=SETTLE_WAIT_S)


async def lifespan(receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """ASGI's lifespan protocol."""
    await receive()
    try:
        runtime = await start()
    except Exception as error:
        logger.critical("XRoute cannot start: %s", error, exc_info=not isinstance(error, BadSetting))
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await stop(runtime)
    await send({"type": "lifespan.shutdown.complete"})
