"""A request that waits for credit, and what the database answered it. Pure. All amounts are nano-USD."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from billing.reservations.pots import Hold, Refused, Want, grow
from xroute.lib.pg import Outage


@dataclass(slots=True)
class Ask:
    """What a request took from this worker's pots at once, and who waits for the rest."""

    want: Want
    hold: Hold
    answer: "asyncio.Future[None]"
    from_pot: int = 0
    from_key: int = 0

    def item(self, number: int) -> dict[str, Any]:
        """What xr_hold is asked: the want less what the pots here have free, which is taken now."""
        want, hold = self.want, self.hold
        self.from_pot = max(0, min(hold.pot.free, want.floor))
        hold.pot.used += self.from_pot
        if hold.key_pot is not None:
            self.from_key = max(0, min(hold.key_pot.free, want.floor))
            hold.key_pot.used += self.from_key
        return {
            "i": number,
            "account": want.account_id,
            "full": want.full - self.from_pot,
            "floor": want.floor - self.from_pot,
            "have": self.from_pot,
            "spare": want.spare,
            "key": want.key_id,
            "period": want.period,
            "key_full": want.full - self.from_key,
            "key_floor": want.floor - self.from_key,
            "key_have": self.from_key,
        }

    def undo(self) -> None:
        """Put back what was taken from the pots."""
        self.hold.pot.used -= self.from_pot
        if self.hold.key_pot is not None:
            self.hold.key_pot.used -= self.from_key

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def apply(self, result: dict[str, Any]) -> None:
        """Take in what was granted, or tell of the refusal."""
        self.undo()
        if "refused" in result:
            self.fail(self._refusal(result))
            return
        hold = self.hold
        hold.pot.held += result["take"]
        hold.pot.exposure += result["expose"]
        if hold.key_pot is not None:
            hold.key_pot.held += result["key_take"]
        hold.touch(time.monotonic())
        # Who waited may be gone: then what was granted lies free in the pot, for the next one or the sweep.
        if hold.ended:
            self.fail(Outage("the request has ended"))
        elif not self.answer.done():
            reserved = self.want.full - result["expose"]
            grow(hold, reserved, self._key_share(reserved), result["expose"])
            self.answer.set_result(None)

    def _key_share(self, reserved: int) -> int:
        """How much of the key's pot the hold takes: as much as of the account's, or what there is."""
        return 0 if self.hold.key_pot is None else min(reserved, max(0, self.hold.key_pot.free))

    def _refusal(self, result: dict[str, Any]) -> Refused:
        key_left, key_pot = result.get("key_left"), self.hold.key_pot
        free = max(0, key_pot.free) if key_pot is not None else 0
        return Refused(
            result["refused"],
            available=result["available"] + max(0, self.hold.pot.free),
            posted=result["posted"],
            key_left=None if key_left is None else key_left + free,
        )
