"""What /proc says: the processes of a session, and whose connections a process has accepted."""

import os
import signal
from contextlib import suppress
from pathlib import Path

ESTABLISHED = "01"


def session(leader: int) -> list[int]:
    """The pids of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    found.append(int(folder.name))
    return found


def signal_session(leader: int, number: signal.Signals) -> None:
    """PostgreSQL, for one, serves on while only its first process is stopped."""
    for pid in session(leader):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def client_ports(pid: int, port: int) -> set[int]:
    """The clients' ports of the connections that `pid` has accepted on `port`."""
    inodes = _sockets(pid)
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, state, *rest = line.split()
            if state == ESTABLISHED and rest[5] in inodes and int(local.rpartition(":")[2], 16) == port:
                found.add(int(remote.rpartition(":")[2], 16))
    return found


def _sockets(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found
