"""Start a child so that nothing of it can outlive us: a session of its own and a parent-death signal."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def death_signal(number: int) -> Callable[[], None]:
    """What the child runs before exec: it gets signal `number` when its parent dies (Linux only).

    The kernel forgets this at a change of user, so it must run after that; subprocess runs preexec_fn last.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    on_death: int = signal.SIGTERM,
    user: str | None = None,
    pass_fds: Sequence[int] = (),
    cwd: str = "/",
) -> "subprocess.Popen[bytes]":
    """A child in a session of its own, its output in `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            user=user,
            group="nogroup" if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
            pass_fds=pass_fds,
            preexec_fn=death_signal(on_death),
        )


def kill_session(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal every process of the session that `pid` led, also when it is gone itself."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def stop(child: "subprocess.Popen[bytes]", *, number: int, wait_s: float) -> None:
    """Ask a child to end; after `wait_s` its whole session is killed."""
    if child.poll() is None:
        child.send_signal(number)
        try:
            child.wait(wait_s)
        except subprocess.TimeoutExpired:
            pass
    kill_session(child.pid)
    child.wait()
