"""Idle credit on its way back to the database. Pure. All amounts are nano-USD."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from billing.reservations.pots import Pot, PotKey, Pots

STALE_S = 60


@dataclass(slots=True)
class Give:
    """What lies idle in one pot; it is out of the pot from the moment it is collected."""

    name: PotKey
    pot: Pot
    spare: int
    exposure: int

    def item(self) -> dict[str, Any]:
        """What xr_hold is told."""
        kind, number, period = self.name
        if kind == "account":
            return {"account": number, "give": self.spare, "give_exposure": self.exposure}
        return {"key": number, "period": period, "give_key": self.spare}

    def undo(self) -> None:
        """It was not given: put it back."""
        self.pot.held += self.spare
        self.pot.exposure += self.exposure


def collect(pots: Pots, *, now: float, idle_s: float, recalled: Set[int]) -> list[Give]:
    """Take out what is idle: of recalled accounts at once, else after a while."""
    gives = []
    for name, pot in pots.all.items():
        spare, exposure = max(0, pot.free), pot.exposure - pot.exposed
        unused_s = now - pot.touched
        due = pot.account_id in recalled or (pot.idle and unused_s > idle_s) or unused_s > idle_s + STALE_S
        if due and (spare or exposure):
            pot.held -= spare
            pot.exposure -= exposure
            gives.append(Give(name, pot, spare, exposure))
    return gives


def drop_empty(pots: Pots, *, now: float) -> None:
    """Forget pots that hold nothing and that nobody has touched for a while."""
    empty = [
        name
        for name, pot in pots.all.items()
        if pot.idle and not pot.held and not pot.exposure and now - pot.touched > STALE_S
    ]
    for name in empty:
        del pots.all[name]
