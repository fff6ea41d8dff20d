"""Servers for the time of one command: those of `make run` where it runs, else started and stopped by us.

Every user of the servers holds a shared lock on servers.lock. Who finds nothing running starts the servers; whoever
can take the lock for himself at the end is the last one, and stops what a command has started. The supervisor holds
it too, so no command ever stops the servers under it. Servers outlive the command that started them, for another may
use them still; what a killed command leaves behind the next one, or `make run`, finds and stops.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from xroute.embedded.home import FILE, Home, data_dir, external, open_home
from xroute.embedded.preparing import prepare

WITHOUT_SERVERS = ("help", "version", "--version", "--help", "makemigrations", "compilemessages", "makemessages")
WAIT_S = 60


class Lock:
    """servers.lock: shared while the servers are used, exclusive while they start or stop."""

    def __init__(self, data: Path) -> None:
        self._handle = os.open(data / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def own(self, wait_s: float = 0) -> bool:
        """Whether nobody else uses the servers, waiting for that up to `wait_s`."""
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.05)

    def close(self) -> None:
        os.close(self._handle)


@contextlib.contextmanager
def servers(argv: list[str] | None = None) -> Iterator[None]:
    """The environment and the servers of this installation, for one command."""
    command = (argv or sys.argv)[1:2]
    if external():
        yield
        return
    new = not (data_dir() / FILE).exists()
    home = open_home()
    os.environ.update(home.environment())  # which leaves what a person has set, but not what is set to nothing
    if not command or command[0] in WITHOUT_SERVERS:
        yield
        return
    lock = Lock(home.data)
    _raise_on_term()
    try:
        try:
            _join(home, lock, new=new)
        except RuntimeError as error:
            sys.exit(str(error))
        yield
    finally:
        _leave(home, lock)


def _raise_on_term() -> None:
    """SIGTERM ends a command by an exception, so that what it started is stopped."""

    def leave(_number: int, _frame: object) -> None:
        sys.exit(143)

    signal.signal(signal.SIGTERM, leave)


def _join(home: Home, lock: Lock, *, new: bool) -> None:
    """Use the running servers, or start them while nobody else does; what is started is said on standard error."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        lock.share()
        if home.postgres().answers() and home.valkey().answers():
            return
        if lock.own(wait_s=1):
            print(_notice(home, new=new), file=sys.stderr, flush=True)
            _start(home)
            lock.share()
            return
        time.sleep(0.1)
    sys.exit(f"The servers of {home.data} are locked by another process, but do not answer.")


def _notice(home: Home, *, new: bool) -> str:
    where = "XROUTE_DATA_DIR names another folder, DATABASE_URL another database."
    if new:
        return f"There is no installation in {home.data} yet: a new one is being made there. {where}"
    return f"Nothing runs in {home.data}: its servers are started for this command. {where}"


def _start(home: Home) -> None:
    postgres, valkey = home.postgres(), home.valkey()
    if not postgres.answers():
        postgres.start(on_death=0)
    if not valkey.answers():
        valkey.start(on_death=0)
    if not home.prepared.exists():
        prepare(home)


def _leave(home: Home, lock: Lock) -> None:
    if lock.own():
        home.valkey().stop()
        home.postgres().stop()
    lock.close()
