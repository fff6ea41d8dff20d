"""The breaker of one endpoint: in service, out for a time, then one probe decides."""

from routing.health.limits import Limits
from routing.health.window import Window


class Breaker:
    """Every method takes the time; a success resets everything."""

    __slots__ = ("_calls", "_failures", "_limits", "ejections", "failed_at", "in_row", "out_until", "probe_until")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls = Window(limits.window_s)
        self._failures = Window(limits.window_s)
        self.in_row = 0
        self.ejections = 0
        self.out_until: float | None = None
        self.probe_until: float | None = None
        self.failed_at: float | None = None

    def available(self, now: float) -> bool:
        """In service, or due for a probe that nobody is making."""
        if self.out_until is None:
            return True
        return now >= self.out_until and (self.probe_until is None or now >= self.probe_until)

    def acquire(self, now: float) -> bool:
        """Whether a call may go out now; of an endpoint that is out, the probe is taken by this."""
        if not self.available(now):
            return False
        if self.out_until is not None:
            self.probe_until = now + self._limits.probe_s
        return True

    def success(self, now: float) -> None:
        """It answered. Calls that began before it was ejected do not bring it back; its probe does."""
        self._calls.add(now)
        self.in_row = 0
        if self.out_until is not None and now >= self.out_until:
            self.out_until = self.probe_until = None
            self.ejections = 0
            self._calls.clear()
            self._failures.clear()

    def failure(self, now: float) -> None:
        """It failed; perhaps it is out now. Late failures of calls from before do not prolong an ejection."""
        self.failed_at = now
        self._calls.add(now)
        self._failures.add(now)
        self.in_row += 1
        if self.out_until is None:
            if self._too_many(now):
                self._eject(now)
        elif now >= self.out_until:
            self._eject(now)

    def abandoned(self) -> None:
        """The call ended without telling anything: another may be the probe."""
        self.probe_until = None

    def _too_many(self, now: float) -> bool:
        calls = self._calls.count(now)
        often = calls >= self._limits.rate_samples_min
        return self.in_row >= self._limits.failures_in_row or (
            often and self._failures.count(now) >= self._limits.failure_rate * calls
        )

    def _eject(self, now: float) -> None:
        self.ejections += 1
        self.out_until = now + min(self._limits.ejection_s * self.ejections, self._limits.ejection_max_s)
        self.probe_until = None
        self.in_row = 0
