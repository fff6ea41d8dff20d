"""The processes of `make run`: started in order, restarted when they die, stopped in reverse, none left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xroute.embedded.process import kill_session, spawn, stop

BACKOFF_MIN_S, BACKOFF_MAX_S, HEALTHY_S = 0.2, 10.0, 30.0
TICK_S = 0.05


@dataclass(slots=True)
class Child:
    """One process. Children stop in the order of `stop_rank`, those of equal rank together."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    stop_rank: int
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM
    stop_wait_s: float = 10.0
    user: str | None = None
    pass_fds: Sequence[int] = ()
    cwd: str = "/"
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    backoff_s: float = BACKOFF_MIN_S
    due_at: float = field(default=0.0)

    def start(self) -> None:
        self.process = spawn(
            self.command,
            env=self.environment,
            log=self.log,
            on_death=self.death_signal,
            user=self.user,
            pass_fds=self.pass_fds,
            cwd=self.cwd,
        )
        self.started_at = time.monotonic()

    def died(self) -> int | None:
        """Its exit code, once, when it has died; what is left of its session is killed."""
        if self.process is None or self.process.poll() is None:
            return None
        kill_session(self.process.pid)
        code, self.process = self.process.returncode, None
        if time.monotonic() - self.started_at > HEALTHY_S:
            self.backoff_s = BACKOFF_MIN_S
        self.due_at = time.monotonic() + self.backoff_s
        self.backoff_s = min(self.backoff_s * 2, BACKOFF_MAX_S)
        return code


class Supervisor:
    """Keeps children running until SIGTERM or Ctrl-C; a second one hurries."""

    def __init__(self, state: Path, facts: Mapping[str, object], say: Callable[[str], None] = print) -> None:
        self.children: list[Child] = []
        self._state, self._facts, self._say = state, dict(facts), say
        self._stopping = 0

    def install_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked)

    def _asked(self, _number: int, _frame: object) -> None:
        self._stopping += 1

    @property
    def stopping(self) -> bool:
        return self._stopping > 0

    def add(self, child: Child, *, running: "subprocess.Popen[bytes] | None" = None) -> None:
        """Take a child in, and start it where it does not run yet."""
        self.children.append(child)
        if running is None:
            child.start()
        else:
            child.process, child.started_at = running, time.monotonic()
        self.write_state()

    def write_state(self) -> None:
        """Who runs under which pid, for people and tests."""
        pids = {child.name: child.process.pid for child in self.children if child.process is not None}
        part = self._state.with_suffix(".part")
        part.write_text(json.dumps({"supervisor": os.getpid(), **self._facts, **pids}))
        part.replace(self._state)

    def tick(self) -> None:
        """Notice the dead and start those whose time has come."""
        for child in self.children:
            code = child.died()
            if code is not None:
                self._say(f"{child.name} ended with {code}; starting it again (see {child.log}).")
            if child.process is None and time.monotonic() >= child.due_at:
                child.start()
                self.write_state()

    def run(self) -> None:
        """Until asked to stop."""
        while not self.stopping:
            self.tick()
            time.sleep(TICK_S)

    def stop(self) -> None:
        """Stop every child, rank by rank; nothing of them is left."""
        for rank in sorted({child.stop_rank for child in self.children}):
            self._stop_rank([child for child in self.children if child.stop_rank == rank and child.process])
        self._state.unlink(missing_ok=True)

    def _stop_rank(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(child.stop_signal)
        asked, until = self._stopping, time.monotonic() + max((c.stop_wait_s for c in children), default=0)
        while any(c.process and c.process.poll() is None for c in children) and time.monotonic() < until:
            if self._stopping > asked:
                break
            time.sleep(TICK_S)
        for child in children:
            if child.process is not None:
                stop(child.process, number=signal.SIGKILL, wait_s=2)
                child.process = None


def fail(message: str) -> None:
    """End with one clear sentence."""
    sys.exit(message)
