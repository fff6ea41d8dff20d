"""Reserving, extending and giving back: as a treasurer asks, and as it must not."""

from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.billing.machine.base import Base, accounts, amounts, keys, outcomes, parts, slots
from tests.billing.machine.holds import hold

HOLD = "SELECT xr_hold(%s, %s, %s, %s)"
OVERAGE_LIMIT = 25
# An amount of one's own; or exactly what there is; or a little more, which may run exposed.
fulls = st.one_of(amounts, st.sampled_from(["all", "more"]))
wants = st.tuples(accounts, fulls, parts, st.integers(0, 80))


class HoldRules(Base):
    def operate(self, slot: int, items: list[dict[str, Any]], outcome: str = "answered", seq: int = 0) -> None:
        """One operation of a worker, under the next number where none is given."""
        worker = self.slots[slot]
        seq = seq or self.model.workers[worker].seq + 1
        answer = self.call(outcome, HOLD, worker, seq, OVERAGE_LIMIT, items)
        assert answer == hold(self.model, worker, seq, OVERAGE_LIMIT, items)

    @rule(slot=slots, want=wants, outcome=outcomes)
    def reserve(self, slot: int, want: tuple[Any, ...], outcome: str) -> None:
        """In full, or down to a floor with the rest as exposure."""
        self.operate(slot, [self.ask(0, want)], outcome)

    @rule(slot=slots, account=accounts, more=st.integers(1, 30))
    def reserve_exposed(self, slot: int, account: int, more: int) -> None:
        """More than there is: as far as exposure may go, and no further."""
        full = max(0, self.model.accounts[self.accounts[account]].available) + more
        self.operate(slot, [self.ask(0, (account, full, 0, 0))])

    @rule(slot=slots, key=keys, want=wants, outcome=outcomes)
    def reserve_with_key(self, slot: int, key: int, want: tuple[Any, ...], outcome: str) -> None:
        self.operate(slot, [self.keyed(0, key, want)], outcome)

    @rule(slot=slots, wants=st.lists(st.tuples(wants, st.booleans(), keys), min_size=2, max_size=4), outcome=outcomes)
    def reserve_together(self, slot: int, wants: list[Any], outcome: str) -> None:
        """Cold reservations of one moment go in one statement."""
        items = [
            self.keyed(i, key, want) if with_key else self.ask(i, want) for i, (want, with_key, key) in enumerate(wants)
        ]
        self.operate(slot, items, outcome)

    @rule(slot=slots, account=accounts, amount=amounts, outcome=outcomes)
    def extend(self, slot: int, account: int, amount: int, outcome: str) -> None:
        """All of it or nothing, as ahead of what is relayed."""
        self.operate(slot, [self.ask(0, (account, amount, 100, amount))], outcome)

    @rule(slot=slots, account=accounts, part=parts, outcome=outcomes)
    def release(self, slot: int, account: int, part: int, outcome: str) -> None:
        """A part of what no batch on its way will settle, and of the exposure."""
        self.operate(slot, [self.give(slot, account, part)], outcome)

    @rule(slot=slots, number=st.integers(0), part=parts, outcome=outcomes)
    def release_of_key(self, slot: int, number: int, part: int, outcome: str) -> None:
        """Of any period that the worker holds something of; where there is none, of what it can get now."""
        if not any(amount for name, amount in self.model.key_holds.items() if name[0] == self.slots[slot]):
            self.operate(slot, [self.keyed(0, 1, (0, 5, 100, 0))])
        held = sorted(
            name[1:] for name, amount in self.model.key_holds.items() if amount and name[0] == self.slots[slot]
        )
        if held:
            key, period = held[number % len(held)]
            item = {"key": key, "period": period, "give_key": self.key_free(slot, key, period) * part // 100}
            self.operate(slot, [item], outcome)

    @rule(slot=slots, account=accounts, want=wants)
    def release_and_reserve(self, slot: int, account: int, want: tuple[Any, ...]) -> None:
        """What goes back can be taken again by the same statement."""
        self.operate(slot, [self.ask(0, (account, *want[1:])), self.give(slot, account, 100)])

    @rule(slot=slots, want=wants, back=st.integers(0, 2))
    def an_old_number(self, slot: int, want: tuple[Any, ...], back: int) -> None:
        """Asked again, or come late: it answers as before, whatever is asked."""
        seq = self.model.workers[self.slots[slot]].seq - back
        if seq > 0:
            self.operate(slot, [self.ask(0, want)], seq=seq)

    @rule(slot=slots, account=accounts, more=amounts, exposed=st.booleans())
    def release_too_much(self, slot: int, account: int, more: int, exposed: bool) -> None:
        worker = self.slots[slot]
        if self.model.workers[worker].state == "live":
            amount, exposure = self.model.holds.get((worker, self.accounts[account]), (0, 0))
            item = {"account": self.accounts[account], "give": amount, "give_exposure": exposure}
            item["give_exposure" if exposed else "give"] += more
            with self.refused(psycopg.errors.CheckViolation):
                self.call("answered", HOLD, worker, self.model.workers[worker].seq + 1, OVERAGE_LIMIT, [item])

    def free(self, slot: int, account: int) -> int:
        """What a worker holds of an account, less what batches on their way will take."""
        worker = self.slots[slot]
        held = self.model.holds.get((worker, self.accounts[account]), (0, 0))[0]
        return max(0, held - self.model.workers[worker].busy.get(self.accounts[account], 0))

    def key_free(self, slot: int, key: int, period: str) -> int:
        worker, name = self.slots[slot], (key, period)
        return max(0, self.model.key_holds.get((worker, *name), 0) - self.model.workers[worker].busy.get(name, 0))

    def give(self, slot: int, account: int, part: int) -> dict[str, Any]:
        exposure = self.model.holds.get((self.slots[slot], self.accounts[account]), (0, 0))[1]
        amount = self.free(slot, account)
        return {
            "account": self.accounts[account],
            "give": amount * part // 100,
            "give_exposure": exposure * part // 100,
        }

    def ask(self, number: int, want: tuple[Any, ...], left: int | None = None) -> dict[str, Any]:
        """(account, full, floor in per cent of it, spare); part of it may have been there before."""
        account, full, part, spare = want
        if isinstance(full, str):
            left = self.model.accounts[self.accounts[account]].available if left is None else left
            full = max(1, left + (7 if full == "more" else 0))
        floor = full * part // 100
        found = self.accounts[account]
        return {"i": number, "account": found, "full": full, "floor": floor, "spare": spare, "have": spare}

    def keyed(self, number: int, key: int, want: tuple[Any, ...]) -> dict[str, Any]:
        """An ask with a key, of the key's own account; half the time up to what the account has, not the key."""
        found = self.keys[key]
        account, limit = self.model.keys[found]
        left = (
            None if limit is None or want[0] % 2 else limit - sum(self.model.periods.get((found, self.period), (0, 0)))
        )
        item = self.ask(number, (self.accounts.index(account), *want[1:]), left)
        return item | {
            "key": found,
            "period": self.period,
            "key_full": item["full"],
            "key_floor": item["floor"],
            "key_have": item["have"],
        }
