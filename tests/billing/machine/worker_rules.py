"""Workers that renew, are ended, close, crash and start again; keys whose limits change and whose periods pass."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from accounts.models import ApiKey
from billing.reservations.lease import CLOSE, RENEW
from tests.billing.machine.base import keys, slots
from tests.billing.machine.meter_rules import MeterRules

END = "SELECT xr_end_worker(%s, %s, 'expired')"


class WorkerRules(MeterRules):
    @rule(slot=slots)
    def beat(self, slot: int) -> None:
        """Renewed where it lives; else it learns that it does not, and registers anew."""
        worker = self.model.workers[self.slots[slot]]
        rows = self.application.execute(RENEW, (self.slots[slot],)).fetchall()
        assert bool(rows) is (worker.state == "live")
        if rows:
            worker.beat += 1
        else:
            self.slots[slot] = self.new_worker()

    @rule(number=st.integers(0), behind=st.sampled_from([0, 0, 0, 1]), outcome=st.sampled_from(["answered", "undone"]))
    def expire(self, number: int, behind: int, outcome: str) -> None:
        """By the beat that was read; one that has renewed since is left alone. Any worker of this example."""
        worker = sorted(self.model.workers)[number % len(self.model.workers)]
        beat = self.model.workers[worker].beat - behind
        assert self.call(outcome, END, worker, beat) is self.model.end(worker, beat, "expired")

    @rule(slot=slots, charges=st.booleans())
    def expire_and_settle_late(self, slot: int, charges: bool) -> None:
        """Its lease ends while its batches are on their way, or before it has frozen them."""
        if charges:
            self.freeze(slot, [(0, "all", True, 0), (1, 20, True, None)])
        worker = self.slots[slot]
        assert self.call("answered", END, worker, None) is self.model.end(worker, None, "expired")
        for batch in [batch for batch in self.frozen if batch.worker == worker]:
            self.book(batch, "answered")

    @rule(slot=slots)
    def close(self, slot: int) -> None:
        """A clean end: everything was booked before it, or lies in the spool."""
        assert self.application.execute(CLOSE, {"worker": self.slots[slot]}).fetchone()[0] is True
        self.model.end(self.slots[slot], None, "closed")
        self.slots[slot] = self.new_worker()

    @rule(slot=slots, spooled=st.booleans())
    def crash(self, slot: int, spooled: bool) -> None:
        """Killed and started again. What it held stands until another ends it; its spool is adopted by any process."""
        if not spooled:
            self.frozen = [batch for batch in self.frozen if batch.worker != self.slots[slot]]
        self.slots[slot] = self.new_worker()

    @rule(key=keys, limit=st.none() | st.integers(0, 200))
    def change_limit(self, key: int, limit: int | None) -> None:
        ApiKey.objects.filter(pk=self.keys[key]).update(limit_nanousd=limit)
        self.model.keys[self.keys[key]] = (self.model.keys[self.keys[key]][0], limit)

    @precondition(lambda self: self.day < 28)
    @rule()
    def next_period(self) -> None:
        """A new row on first use; the old one is never zeroed."""
        self.day += 1
