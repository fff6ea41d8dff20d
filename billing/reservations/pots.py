"""What this worker holds, in memory. Pure. All amounts are nano-USD.

held      what the database has reserved for this worker, less what it has settled
used      the part of it that running requests have taken
exposure  what this worker may let run unreserved; `exposed` is the part in use
"""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID


@dataclass(slots=True)
class Pot:
    """Credit of one account, or of one period of a key with a limit."""

    account_id: int
    held: int = 0
    used: int = 0
    exposure: int = 0
    exposed: int = 0
    touched: float = 0.0

    @property
    def free(self) -> int:
        return self.held - self.used

    @property
    def idle(self) -> bool:
        return self.used == 0 and self.exposed == 0


@dataclass(frozen=True, slots=True)
class Want:
    """What a request needs: `full`, or at least `floor` with the rest as exposure. `spare` is welcome beside it."""

    account_id: int
    full: int
    floor: int
    spare: int = 0
    key_id: int | None = None
    period: date | None = None


@dataclass(slots=True)
class Hold:
    """What a request has. One record may consume of it, and it ends exactly once: in whatever order, the pots and
    the database agree on what went out.
    """

    worker_id: UUID
    want: Want
    pot: Pot
    key_pot: Pot | None
    amount: int = 0
    exposure: int = 0
    key_amount: int = 0
    consumed: int = 0
    key_consumed: int = 0
    settling: bool = False
    ended: bool = field(default=False)

    def touch(self, now: float) -> None:
        """Its pots are in use: they are neither swept nor dropped for a while."""
        self.pot.touched = now
        if self.key_pot is not None:
            self.key_pot.touched = now

    def consume(self, cost: int) -> tuple[int, int]:
        """What a record of `cost` takes out of this hold and its key's part: nothing where another one has, or
        where it has ended. Such a record is charged all the same.
        """
        if self.ended or self.settling:
            return 0, 0
        self.settling = True
        self.consumed, self.key_consumed = min(cost, self.amount), min(cost, self.key_amount)
        return self.consumed, self.key_consumed

    def end(self) -> None:
        """Give back what no record has consumed. A second call changes nothing."""
        if self.ended:
            return
        self.ended = True
        self.pot.used -= self.amount
        self.pot.held -= self.consumed
        self.pot.exposed -= self.exposure
        if self.key_pot is not None:
            self.key_pot.used -= self.key_amount
            self.key_pot.held -= self.key_consumed


class Refused(Exception):
    """Not enough. `reason` is credits (posted does not suffice), held (others hold it) or key_limit."""

    def __init__(self, reason: str, *, available: int, posted: int, key_left: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.available, self.posted, self.key_left = reason, available, posted, key_left


PotKey = tuple[str, int, date | None]


class Pots:
    """All pots of one worker id. A lost lease drops them whole: holds that live on touch only orphans."""

    def __init__(self, worker_id: UUID) -> None:
        self.worker_id = worker_id
        self.all: dict[PotKey, Pot] = {}

    def account(self, account_id: int) -> Pot:
        return self._pot(("account", account_id, None), account_id)

    def key(self, want: Want) -> Pot | None:
        return None if want.key_id is None else self._pot(("key", want.key_id, want.period), want.account_id)

    def _pot(self, name: PotKey, account_id: int) -> Pot:
        pot = self.all.get(name)
        if pot is None:
            pot = self.all[name] = Pot(account_id)
        return pot

    def take(self, want: Want, now: float) -> Hold | None:
        """The whole of `want` out of what is held here; None where that does not suffice."""
        pot, key_pot = self.account(want.account_id), self.key(want)
        if pot.free < want.full or (key_pot is not None and key_pot.free < want.full):
            return None
        hold = Hold(self.worker_id, want, pot, key_pot)
        grow(hold, want.full, want.full if key_pot is not None else 0)
        hold.touch(now)
        return hold


def grow(hold: Hold, amount: int, key_amount: int, exposure: int = 0) -> None:
    """Move what the pots have free into the hold."""
    hold.amount += amount
    hold.pot.used += amount
    hold.exposure += exposure
    hold.pot.exposed += exposure
    if hold.key_pot is not None:
        hold.key_amount += key_amount
        hold.key_pot.used += key_amount
