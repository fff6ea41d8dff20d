"""The one task of a worker that asks the database for credit and gives it back; no request can cancel it.

Operations are numbered (xr_hold in migrations/sql/0003_holds.sql): one whose outcome is unknown is asked again
under its number until the answer is known, so what the pots say and what the database holds never part.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
import psycopg

from billing.reservations.asks import Ask
from billing.reservations.gives import Give, collect, drop_empty
from billing.reservations.pots import Hold, Pots, Refused, Want, grow
from xroute.lib.pg import RETRY_STATES, Database, Outage

logger = logging.getLogger("xroute.treasurer")
RECALL_EVERY_S, RECALL_WAIT_S = 0.1, 0.2


class Treasurer:
    """Reserves in memory where it can, else in the database, many asks in one statement."""

    def __init__(
        self, db: Database, pots: Pots, *, admits: Callable[[], bool], overage_limit: int, idle_s: float, wait_s: float
    ) -> None:
        self._db, self._admits, self._overage_limit = db, admits, overage_limit
        self._idle_s, self._wait_s = idle_s, wait_s
        self.pots = pots
        self._seq = 0
        self._waiting: list[Ask] = []
        self._recalled: set[int] = set()
        self._asked_at: dict[int, float] = {}
        self._wake = asyncio.Event()
        self.on_expired: Callable[[], None] = lambda: None

    def restart(self, pots: Pots) -> None:
        """A new worker id: everything held under the old one is gone."""
        self.pots, self._seq = pots, 0

    async def reserve(self, want: Want) -> Hold:
        """A hold of `want`; raises Refused, or Outage where credit cannot be had now."""
        if not self._admits():
            raise Outage("no lease")
        hold = self.pots.take(want, time.monotonic())
        if hold is not None:
            return hold
        hold = Hold(self.pots.worker_id, want, self.pots.account(want.account_id), self.pots.key(want))
        await self._ask_twice(want, hold)
        return hold

    async def extend(self, hold: Hold, amount: int) -> None:
        """Add `amount` to a hold; raises Refused or Outage. One that ended, or of a lost lease, cannot grow."""
        if hold.ended or hold.worker_id != self.pots.worker_id or not self._admits():
            raise Outage("lease lost")
        key_free = amount if hold.key_pot is None else hold.key_pot.free
        if hold.pot.free >= amount and key_free >= amount:
            grow(hold, amount, amount if hold.key_pot is not None else 0)
            return
        want = Want(hold.want.account_id, amount, amount, amount, hold.want.key_id, hold.want.period)
        await self._ask_twice(want, hold)

    async def _ask_twice(self, want: Want, hold: Hold) -> None:
        try:
            await self._ask(want, hold)
        except Refused as refusal:
            if refusal.reason != "held":
                raise
            await self._recall(want.account_id)
            await self._ask(want, hold)

    async def _ask(self, want: Want, hold: Hold) -> None:
        hold.touch(time.monotonic())
        ask = Ask(want, hold, asyncio.get_running_loop().create_future())
        self._waiting.append(ask)
        self._wake.set()
        try:
            async with asyncio.timeout(self._wait_s):
                await ask.answer
        except TimeoutError:
            raise Outage("no credit in time") from None

    async def _recall(self, account_id: int) -> None:
        """Ask all workers for idle credit of an account, at most once in 100 ms: NOTIFY serialises commits."""
        now = time.monotonic()
        if now - self._asked_at.get(account_id, 0) >= RECALL_EVERY_S:
            self._asked_at[account_id] = now
            await self._db.fetch("SELECT pg_notify('xr_recall', %s)", (str(account_id),))
        await asyncio.sleep(RECALL_WAIT_S)

    def recalled(self, payload: str) -> None:
        """Give back what is idle of the named account (of all, where none is named) as soon as may be."""
        if payload.isdigit():
            self._recalled.add(int(payload))
            self._wake.set()

    async def run(self) -> None:
        """Work for ever."""
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.turn()

    async def turn(self) -> None:
        """One operation: everything that waits, and what lies idle."""
        recalled, self._recalled = self._recalled, set()
        pots, now = self.pots, time.monotonic()
        asks = self._next_asks(pots)
        gives = collect(pots, now=now, idle_s=self._idle_s, recalled=recalled)
        if not asks and not gives:
            return
        items = [ask.item(number) for number, ask in enumerate(asks)] + [give.item() for give in gives]
        error: Exception = Outage("lease lost")
        try:
            results = await self._operate(pots, items)
        except Exception as fault:
            logger.exception("hold operation failed")
            results, error = None, Outage(type(fault).__name__)
        if results is None:
            self._undo(asks, gives, error)
            return
        for result in results:
            asks[result["i"]].apply(result)
        drop_empty(pots, now=time.monotonic())

    def _next_asks(self, pots: Pots) -> list[Ask]:
        """Whoever still waits. What was asked under a lost lease must not grow out of pots that are gone."""
        waiting, self._waiting = [ask for ask in self._waiting if not ask.answer.done()], []
        for ask in waiting:
            if ask.hold.worker_id != pots.worker_id:
                ask.fail(Outage("lease lost"))
        return [ask for ask in waiting if not ask.answer.done()]

    @staticmethod
    def _undo(asks: list[Ask], gives: list[Give], error: Exception) -> None:
        for ask in asks:
            ask.undo()
            ask.fail(error)
        for give in gives:
            give.undo()

    async def _operate(self, pots: Pots, items: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """Ask until the outcome is known; None where the worker has expired."""
        self._seq += 1
        values = (pots.worker_id, self._seq, self._overage_limit, orjson.dumps(items).decode())
        pause_s = 0.05
        while pots is self.pots:
            try:
                ((answer,),) = await self._db.fetch("SELECT xr_hold(%s, %s, %s, %s::jsonb)", values)
            except (Outage, psycopg.Error) as error:
                if isinstance(error, psycopg.Error) and error.sqlstate not in RETRY_STATES:
                    raise
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)
                continue
            if answer.get("expired"):
                self.on_expired()
                return None
            return list(answer["results"])
        return None
