"""Settlement in batches: frozen, committed in any order and again, short of what was held or beyond it, or late."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from billing.rollups import rollups_add, rollups_rebuild
from tests.billing.machine.base import accounts, keys, outcomes, slots
from tests.billing.machine.hold_rules import HoldRules
from tests.billing.parts import record
from xroute.lib.ids import new_id

COMMIT = "SELECT xr_meter_commit(%s, %s, %s)"
costs = st.one_of(st.integers(0, 70), st.just("all"))
charges = st.lists(st.tuples(accounts, costs, st.booleans(), st.none() | keys), min_size=1, max_size=4)
some = st.integers(0)


@dataclass(slots=True)
class Batch:
    id: str
    worker: str
    rows: list[dict[str, Any]]


class MeterRules(HoldRules):
    def begun(self) -> None:
        super().begun()
        self.frozen: list[Batch] = []
        self.booked: list[Batch] = []

    @rule(slot=slots, charges=charges)
    def freeze(self, slot: int, charges: list[Any]) -> None:
        """A batch is on its way: in flight, or in the spool."""
        rows = [self.row(slot, *charge) for charge in charges]
        self.frozen.append(Batch(str(new_id()), self.slots[slot], rows))

    @rule(slot=slots, charges=charges, outcome=outcomes)
    def settle(self, slot: int, charges: list[Any], outcome: str) -> None:
        self.freeze(slot, charges)
        self.book(self.frozen[-1], outcome)

    @precondition(lambda self: self.frozen)
    @rule(number=some, outcome=outcomes)
    def settle_frozen(self, number: int, outcome: str) -> None:
        """Whichever comes first."""
        self.book(self.frozen[number % len(self.frozen)], outcome)

    @precondition(lambda self: self.booked)
    @rule(number=some)
    def settle_again(self, number: int) -> None:
        self.book(self.booked[number % len(self.booked)], "answered")

    @precondition(lambda self: self.booked)
    @rule(number=some, slot=slots, charges=charges)
    def settle_others_under_a_booked_id(self, number: int, slot: int, charges: list[Any]) -> None:
        rows = [self.row(slot, *charge, busy=False) for charge in charges]
        assert (
            self.call("answered", COMMIT, self.booked[number % len(self.booked)].id, self.slots[slot], rows)
            == "duplicate"
        )

    @precondition(lambda self: self.booked)
    @rule(number=some, slot=slots)
    def a_generation_in_two_batches(self, number: int, slot: int) -> None:
        rows = self.booked[number % len(self.booked)].rows
        with self.refused(psycopg.errors.UniqueViolation):
            self.call(
                "answered", COMMIT, new_id(), self.slots[slot], [row | {"held": 0, "key_held": 0} for row in rows]
            )

    @rule(slot=slots, charges=charges, poison=st.sampled_from([{"account": 987654321, "cost": 5}, {"basis": "odd"}]))
    def a_poisoned_record(self, slot: int, charges: list[Any], poison: dict[str, Any]) -> None:
        rows = [self.row(slot, *charge, busy=False) for charge in charges]
        rows[0] |= poison
        with self.refused(psycopg.errors.IntegrityError):
            self.call("answered", COMMIT, new_id(), self.slots[slot], rows)

    @rule(slot=slots, account=accounts, more=st.integers(1, 50))
    def settle_more_than_is_held(self, slot: int, account: int, more: int) -> None:
        worker = self.slots[slot]
        if self.model.workers[worker].state == "live":
            held = self.model.holds.get((worker, self.accounts[account]), (0, 0))[0] + more
            row = record(self.accounts[account], held).as_json(held=held, key_held=0)
            with self.refused(psycopg.errors.CheckViolation):
                self.call("answered", COMMIT, new_id(), worker, [row])

    @rule(anew=st.booleans())
    def sum_up(self, anew: bool) -> None:
        rollups_rebuild() if anew else rollups_add()

    def book(self, batch: Batch, outcome: str) -> None:
        answer = self.call(outcome, COMMIT, batch.id, batch.worker, batch.rows)
        first = self.model.commit(batch.id, batch.worker, batch.rows)
        assert answer == ("duplicate" if outcome == "lost" else first)
        if batch in self.frozen:
            self.frozen.remove(batch)
            self.booked.append(batch)
            self.busy(batch, -1)

    def row(self, slot: int, account: int, cost: int | str, holds: bool, key: int | None, busy: bool = True) -> Any:
        """A record of `cost`, or of all that is held; it settles what its worker has free, or holds nothing."""
        if key is not None:
            account = self.accounts.index(self.model.keys[self.keys[key]][0])
        free = self.free(slot, account)
        amount = free if cost == "all" else int(cost)
        period = None if key is None else date.fromisoformat(self.period)
        values = {} if key is None else {"key_id": self.keys[key]}
        row = record(self.accounts[account], amount, period=period, **values).as_json(
            held=min(amount, free) if holds else 0,
            key_held=min(amount, self.key_free(slot, self.keys[key], self.period)) if holds and key is not None else 0,
        )
        if busy:
            self.busy(Batch("", self.slots[slot], [row]), 1)
        return row

    def busy(self, batch: Batch, sign: int) -> None:
        found = self.model.workers[batch.worker].busy
        for row in batch.rows:
            found[row["account"]] = found.get(row["account"], 0) + sign * row["held"]
            name = (row["key"], row["period"])
            found[name] = found.get(name, 0) + sign * row["key_held"]
