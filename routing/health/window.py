"""Counts over the last few seconds, in a fixed number of slots."""

SLOTS = 10


class Window:
    """How often something was noted in the last `length_s`, to a tenth of that."""

    __slots__ = ("_counts", "_newest", "_slot_s")

    def __init__(self, length_s: float) -> None:
        self._slot_s = length_s / SLOTS
        self._counts = [0] * SLOTS
        self._newest = 0

    def add(self, now: float) -> None:
        """Note one at `now`, which never runs backwards."""
        self._forget(now)
        self._counts[self._newest % SLOTS] += 1

    def count(self, now: float) -> int:
        """How many were noted in the window that ends at `now`."""
        self._forget(now)
        return sum(self._counts)

    def clear(self) -> None:
        """Forget all."""
        self._counts = [0] * SLOTS

    def _forget(self, now: float) -> None:
        slot = int(now / self._slot_s)
        for passed in range(max(self._newest + 1, slot - SLOTS + 1), slot + 1):
            self._counts[passed % SLOTS] = 0
        self._newest = max(self._newest, slot)
