"""Peak memory of our own process and of PostgreSQL's backends, sampled while something runs."""

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

EVERY_S = 0.1
ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


@dataclass(slots=True)
class Watch:
    """Private memory (MB) that was seen at most; shared buffers are not in it. `parent` is the postmaster."""

    parent: int
    own_mb: float = 0
    backend_mb: float = 0
    backends_mb: float = 0
    took_s: float = 0
    _began: float = 0
    _thread: threading.Thread | None = None
    _over: threading.Event | None = None

    def __enter__(self) -> "Watch":
        self._began, self._over = time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._over,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.took_s = time.monotonic() - self._began
        if self._over and self._thread:
            self._over.set()
            self._thread.join()

    def __str__(self) -> str:
        return (
            f"{self.took_s:.1f} s; our process {self.own_mb:.0f} MB, PostgreSQL's largest backend "
            f"{self.backend_mb:.0f} MB, all its processes {self.backends_mb:.0f} MB"
        )

    def _run(self, over: threading.Event) -> None:
        while not over.wait(EVERY_S):
            self.own_mb = max(self.own_mb, _anonymous_mb("self"))
            each = [_anonymous_mb(pid) for pid in _children(self.parent)]
            self.backend_mb = max(self.backend_mb, *each, 0)
            self.backends_mb = max(self.backends_mb, sum(each))


def _children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def _anonymous_mb(pid: str) -> float:
    try:
        found = ANONYMOUS.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it has ended
        return 0
    return int(found.group(1)) / 1024 if found else 0
