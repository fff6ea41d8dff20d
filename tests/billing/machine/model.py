"""The books in plain Python: what must stand in the database after each step. All amounts are nano-USD.

Accounts, keys and batches go by the database's ids. Rows of nothing (all zero) are as good as none.
"""

from dataclasses import dataclass, field
from typing import Any

BANK, CLEARING, REVENUE, PROMOTIONS = 1, 2, 6, 7
Period = tuple[int, str]


@dataclass(slots=True)
class Account:
    """`over` is what usage cost beyond what was held for it: the only way below zero."""

    posted: int = 0
    reserved: int = 0
    exposed: int = 0
    paid_in: int = 0
    over: int = 0

    @property
    def available(self) -> int:
        return self.posted - self.reserved


@dataclass(slots=True)
class Worker:
    """`answer` is what its operation `seq` was answered. `busy` is what batches on their way take out of its holds."""

    state: str = "live"
    beat: int = 0
    seq: int = 0
    answer: Any = None
    busy: dict[Any, int] = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """All of it. `holds` and `key_holds` are what each worker has; `periods` is [posted, reserved]."""

    accounts: dict[int, Account] = field(default_factory=dict)
    keys: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    holds: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    key_holds: dict[tuple[str, int, str], int] = field(default_factory=dict)
    periods: dict[Period, list[int]] = field(default_factory=dict)
    transfers: dict[str, tuple[int, int, int, str]] = field(default_factory=dict)
    batches: dict[str, tuple[int, int]] = field(default_factory=dict)
    records: dict[str, tuple[int, int, int, bool]] = field(default_factory=dict)
    payments: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, source: int, account: int, amount: int, kind: str) -> bool:
        """A transfer to an account; False where it was made before."""
        if name in self.transfers:
            return False
        self.transfers[name] = (source, account, amount, kind)
        self.accounts[account].posted += amount
        if kind in ("deposit", "top_up"):
            self.accounts[account].paid_in += amount
        return True

    def take(self, name: str, account: int, target: int, amount: int, kind: str) -> bool | None:
        """A guarded debit: False where it was made before, None where there is not enough."""
        if name in self.transfers:
            return False
        if self.accounts[account].available < amount:
            return None
        self.transfers[name] = (account, target, amount, kind)
        self.accounts[account].posted -= amount
        return True

    def end(self, worker: str, beat: int | None, state: str) -> bool:
        """All it holds goes back, once."""
        found = self.workers[worker]
        if found.state != "live" or beat not in (None, found.beat):
            return False
        found.state = state
        for (name, account), (amount, exposure) in [*self.holds.items()]:
            if name == worker:
                self.accounts[account].reserved -= amount
                self.accounts[account].exposed -= exposure
                del self.holds[name, account]
        for (name, key, period), amount in [*self.key_holds.items()]:
            if name == worker:
                self.periods[key, period][1] -= amount
                del self.key_holds[name, key, period]
        return True

    def commit(self, batch: str, worker: str, rows: list[dict[str, Any]]) -> str:
        """A batch of records, once."""
        if batch in self.batches:
            return "duplicate"
        live = self.workers[worker].state == "live"
        self.batches[batch] = (len(rows), sum(row["cost"] for row in rows))
        for row in rows:
            self._book(batch, worker, row, live)
        return "committed" if live else "late"

    def _book(self, batch: str, worker: str, row: dict[str, Any], live: bool) -> None:
        account, cost = row["account"], row["cost"]
        held, key_held = (row["held"], row["key_held"]) if live else (0, 0)
        self.records[row["id"]] = (account, cost, held, not live)
        found = self.accounts[account]
        found.posted, found.reserved, found.over = found.posted - cost, found.reserved - held, found.over + cost - held
        name = f"batch:{batch}:{account}"
        if cost:
            before = self.transfers.get(name, (0, 0, 0, ""))[2]
            self.transfers[name] = (account, REVENUE, before + cost, "usage")
        if held:
            self.holds[worker, account][0] -= held
        if row["period"]:
            period = self.periods.setdefault((row["key"], row["period"]), [0, 0])
            period[0], period[1] = period[0] + cost, period[1] - key_held
            if key_held:
                self.key_holds[worker, row["key"], row["period"]] -= key_held
