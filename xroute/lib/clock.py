"""The database's time, carried on the monotonic clock: no jump of this machine's wall clock moves it."""

import time
from datetime import UTC, date, datetime


class DatabaseClock:
    """Set by every heartbeat; before the first one it falls back to the wall clock."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def set(self, database_s: float, *, sent: float, received: float) -> None:
        """`database_s` was read between the monotonic moments `sent` and `received`."""
        self._offset_s = database_s - (sent + received) / 2

    def now_s(self) -> float:
        return time.monotonic() + self._offset_s

    def now_ms(self) -> int:
        return int(self.now_s() * 1000)

    def today(self) -> date:
        """The date in UTC."""
        return datetime.fromtimestamp(self.now_s(), UTC).date()


def period_start(today: date, reset: str) -> date:
    """The first day of the period that `today` lies in: daily, weekly (from Monday), monthly, or never."""
    if reset == "daily":
        return today
    if reset == "weekly":
        return date.fromordinal(today.toordinal() - today.weekday())
    if reset == "monthly":
        return today.replace(day=1)
    return date(1970, 1, 1)
