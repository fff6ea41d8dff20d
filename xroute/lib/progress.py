"""A bar of plain text for work that takes minutes: redrawn in place on a terminal, else a line every few seconds."""

import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 30
TERMINAL_EVERY_S, LINES_EVERY_S = 0.1, 5.0


class Progress:
    """How far `total` units of work have come, with the rate and the time left.

    >>> bar = Progress("records", 1_000, stream=sys.stderr)
    >>> bar.add(250); bar.finish()
    """

    def __init__(
        self,
        label: str,
        total: float,
        *,
        stream: TextIO,
        unit: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._total, self._unit = label, max(total, 1), unit
        self._stream, self._now = stream, now
        self._inline = stream.isatty()
        self._done = 0.0
        self._began = self._shown = now()
        self._longest = 0

    def add(self, done: float, what: str = "") -> None:
        """So much more is done; `what` comes next."""
        self.set(self._done + done, what)

    def set(self, done: float, what: str = "") -> None:
        """So much is done in all; `what` comes next."""
        self._done = min(done, self._total)
        every_s = TERMINAL_EVERY_S if self._inline else LINES_EVERY_S
        if self._now() - self._shown >= every_s or (self._inline and what):
            self._show(what)

    def finish(self) -> None:
        """All is done: the last line stays."""
        self._done = self._total
        self._show("")
        if self._inline:
            self._stream.write("\n")
            self._stream.flush()

    def text(self, what: str = "") -> str:
        """One line: bar, share, rate, and the time left (or taken, at the end)."""
        share, took_s = self._done / self._total, self._now() - self._began
        full = round(WIDTH * share)
        rate = self._done / took_s if took_s > 0 else 0.0
        parts = [f"{self._label:<12} [{'#' * full}{'.' * (WIDTH - full)}] {share:4.0%}"]
        if self._unit:
            parts.append(f"{self._done:,.0f} {self._unit}, {rate:,.0f}/s")
        left_s = (self._total - self._done) / rate if rate else 0.0
        parts.append(f"{clock(left_s)} left" if left_s else f"{clock(took_s)}")
        return "  ".join([*parts, what] if what else parts)

    def _show(self, what: str) -> None:
        self._shown, line = self._now(), self.text(what)
        if self._inline:
            self._stream.write("\r" + line.ljust(self._longest))
            self._longest = max(self._longest, len(line))
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def clock(seconds: float) -> str:
    """Minutes and seconds, as a clock shows them."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
