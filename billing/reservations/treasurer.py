"""The one task of a worker that asks the database for credit and gives it back; no request can cancel it.

Operations are numbered (xr_hold in migrations/sql/0003_holds.sql): one whose outcome is unknown is asked again
under its number until the answer is known, so what the pots say and what the database holds never part.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from billing.reservations.pots import Hold, Pot, PotKey, Pots, Refused, Want, grow
from xroute.lib.pg import Database, Outage

logger = logging.getLogger("xroute.treasurer")
RECALL_EVERY_S, RECALL_WAIT_S = 0.1, 0.2


@dataclass(slots=True)
class Ask:
    """One waiting request: what it took from this worker's pots at once, and who waits for the rest."""

    want: Want
    hold: Hold
    answer: "asyncio.Future[None]"
    from_pot: int = 0
    from_key: int = 0


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
        """Add `amount` to a running hold; raises Refused or Outage. A hold of a lost lease cannot grow."""
        if hold.worker_id != self.pots.worker_id or not self._admits():
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
        asks, self._waiting = [ask for ask in self._waiting if not ask.answer.done()], []
        gives = self._gives()
        if not asks and not gives:
            return
        pots = self.pots
        items = [self._item(number, ask) for number, ask in enumerate(asks)] + [item for *_, item in gives]
        try:
            results = await self._operate(pots, items)
        except Exception as error:
            logger.exception("hold operation failed")
            results = None
            self._fail(asks, Outage(type(error).__name__))
        if results is None:
            self._undo(asks, gives)
            self._fail(asks, Outage("lease lost"))
            return
        self._apply(asks, results)
        self._drop_empty(pots)

    async def _operate(self, pots: Pots, items: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """Ask until the outcome is known; None where the worker has expired."""
        self._seq += 1
        values = (pots.worker_id, self._seq, self._overage_limit, orjson.dumps(items).decode())
        pause_s = 0.05
        while pots is self.pots:
            try:
                ((answer,),) = await self._db.fetch("SELECT xr_hold(%s, %s, %s, %s::jsonb)", values)
            except Outage:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)
                continue
            if answer.get("expired"):
                self.on_expired()
                return None
            return list(answer["results"])
        return None

    @staticmethod
    def _item(number: int, ask: Ask) -> dict[str, Any]:
        """An ask less what the pots here have free, which it takes at once."""
        want, hold = ask.want, ask.hold
        ask.from_pot = max(0, min(hold.pot.free, want.floor))
        key_free = 0 if hold.key_pot is None else hold.key_pot.free
        ask.from_key = max(0, min(key_free, want.floor))
        hold.pot.used += ask.from_pot
        if hold.key_pot is not None:
            hold.key_pot.used += ask.from_key
        return {
            "i": number,
            "account": want.account_id,
            "full": want.full - ask.from_pot,
            "floor": want.floor - ask.from_pot,
            "have": ask.from_pot,
            "spare": want.spare,
            "key": want.key_id,
            "period": want.period,
            "key_full": want.full - ask.from_key,
            "key_floor": want.floor - ask.from_key,
            "key_have": ask.from_key,
        }

    def _gives(self) -> list[tuple[Pot, int, int, dict[str, Any]]]:
        """What lies idle goes back: at once where it was recalled, else after a while. Taken out of the pots now."""
        before, recalled, self._recalled = time.monotonic() - self._idle_s, self._recalled, set()
        gives = []
        for name, pot in self.pots.all.items():
            spare, exposure = max(0, pot.free), pot.exposure - pot.exposed
            due = pot.account_id in recalled or (pot.touched < before and pot.idle) or pot.touched < before - 60
            if due and (spare or exposure):
                pot.held -= spare
                pot.exposure -= exposure
                gives.append((pot, spare, exposure, _give_item(name, spare, exposure)))
        return gives

    @staticmethod
    def _undo(asks: list[Ask], gives: list[tuple[Pot, int, int, dict[str, Any]]]) -> None:
        for ask in asks:
            _return(ask)
        for pot, spare, exposure, _ in gives:
            pot.held += spare
            pot.exposure += exposure

    @staticmethod
    def _fail(asks: list[Ask], error: Exception) -> None:
        for ask in asks:
            if not ask.answer.done():
                ask.answer.set_exception(error)

    @staticmethod
    def _apply(asks: list[Ask], results: list[dict[str, Any]]) -> None:
        for result in results:
            ask, hold = asks[result["i"]], asks[result["i"]].hold
            _return(ask)
            if "refused" in result:
                if not ask.answer.done():
                    ask.answer.set_exception(_refusal(result, ask))
                continue
            hold.pot.held += result["take"]
            hold.pot.exposure += result["expose"]
            if hold.key_pot is not None:
                hold.key_pot.held += result["key_take"]
            hold.touch(time.monotonic())
            # Who waited may be gone: then what was granted lies free in the pot, for the next one or the sweep.
            if not ask.answer.done():
                reserved = ask.want.full - result["expose"]
                grow(hold, reserved, _key_share(ask, reserved), result["expose"])
                ask.answer.set_result(None)

    def _drop_empty(self, pots: Pots) -> None:
        empty = [name for name, pot in pots.all.items() if pot.idle and not pot.held and not pot.exposure]
        for name in empty:
            if pots.all[name].touched < time.monotonic() - 60:
                del pots.all[name]


def _return(ask: Ask) -> None:
    ask.hold.pot.used -= ask.from_pot
    if ask.hold.key_pot is not None:
        ask.hold.key_pot.used -= ask.from_key


def _key_share(ask: Ask, reserved: int) -> int:
    """How much of the key's pot the hold takes: as much as of the account's, or what there is."""
    return 0 if ask.hold.key_pot is None else min(reserved, max(0, ask.hold.key_pot.free))


def _refusal(result: dict[str, Any], ask: Ask) -> Refused:
    key_left = result.get("key_left")
    return Refused(
        result["refused"],
        available=result["available"] + max(0, ask.hold.pot.free),
        posted=result["posted"],
        key_left=None if key_left is None else key_left + max(0, ask.hold.key_pot.free if ask.hold.key_pot else 0),
    )


def _give_item(name: PotKey, spare: int, exposure: int) -> dict[str, Any]:
    kind, number, period = name
    if kind == "account":
        return {"account": number, "give": spare, "give_exposure": exposure}
    return {"key": number, "period": period, "give_key": spare}
