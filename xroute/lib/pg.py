"""PostgreSQL for the API plane: one async pool, time limits that hold, and a memory of outages.

Nothing here retries. A call either answers, raises the server's own error, or raises Outage.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from xroute.lib.database import parts

T = TypeVar("T")
Row = tuple[Any, ...]
RETRY_STATES = ("40001", "40P01")


class Outage(Exception):
    """The database is away, or did not answer in time: the outcome of the call is unknown."""


def is_outage(error: BaseException) -> bool:
    """Connection errors, shutdown (57P0x) and exhausted resources (53xxx)."""
    if isinstance(error, (Outage, PoolTimeout, PoolClosed, TimeoutError, ConnectionError)):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state.startswith(("57P0", "53", "08"))


def conninfo(url: str) -> str:
    """libpq's connection string, with keepalives so that a dead peer is noticed."""
    alive = {
        "keepalives_idle": "5",
        "keepalives_interval": "2",
        "keepalives_count": "3",
        "tcp_user_timeout": "10000",
        "connect_timeout": "5",
        "application_name": "xroute-web",
    }
    return psycopg.conninfo.make_conninfo(**(alive | parts(url)))


class Database:
    """The pool of one process. `away_s` is how long it has been out of reach (0 while it answers)."""

    def __init__(self, url: str, *, size_max: int) -> None:
        self.url = url
        self._pool = AsyncConnectionPool(
            conninfo(url),
            min_size=2,
            max_size=size_max,
            open=False,
            timeout=2,
            max_waiting=2000,
            reconnect_timeout=0,
            kwargs={"autocommit": True},
            check=None,
        )
        self._down_since: float | None = None
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._checking: asyncio.Task[None] | None = None

    @property
    def away_s(self) -> float:
        return 0.0 if self._down_since is None else time.monotonic() - self._down_since

    async def open(self, *, timeout_s: float) -> None:
        """Connect; raises PoolTimeout where the database does not answer in time."""
        await self._pool.open(wait=True, timeout=timeout_s)

    async def close(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
        await self._pool.close(timeout=2)

    async def fetch(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = (), *, timeout_s: float = 2.0
    ) -> list[Row]:
        """All rows of one statement, in a transaction of its own."""

        async def run(conn: psycopg.AsyncConnection[Row]) -> list[Row]:
            cursor = await conn.execute(sql.encode(), values)
            return await cursor.fetchall() if cursor.description else []

        return await self.run(run, timeout_s=timeout_s)

    async def run(
        self, work: Callable[[psycopg.AsyncConnection[Row]], Coroutine[Any, Any, T]], *, timeout_s: float
    ) -> T:
        """Run `work` on a connection. Late or without a server: Outage, with the outcome unknown.

        The work runs in a task of its own: cancelling psycopg waits for the server, which may never answer.
        """
        task = asyncio.create_task(self._borrowed(work))
        try:
            await asyncio.wait({task}, timeout=timeout_s)
        except asyncio.CancelledError:
            self._abandon(task)
            raise
        if not task.done():
            self._abandon(task)
            self._note(False)
            raise Outage(f"no answer in {timeout_s} s")
        try:
            result = task.result()
        except Exception as error:
            if is_outage(error):
                self._note(False)
                raise Outage(type(error).__name__) from error
            self._note(True)
            raise
        self._note(True)
        return result

    async def _borrowed(self, work: Callable[[psycopg.AsyncConnection[Row]], Coroutine[Any, Any, T]]) -> T:
        async with self._pool.connection() as conn:
            return await work(conn)

    def _abandon(self, task: "asyncio.Task[Any]") -> None:
        self._abandoned.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()

    def _note(self, answered: bool) -> None:
        if answered:
            self._down_since = None
            return
        if self._down_since is None:
            self._down_since = time.monotonic()
        if self._checking is None or self._checking.done():
            # One broken connection means that all pooled ones are suspect: find out beside the requests, not in them.
            self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._pool.check()
        except (psycopg.Error, OSError, TimeoutError):
            pass
