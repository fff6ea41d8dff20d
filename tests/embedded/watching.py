"""What an installation has running, by /proc, and what it listens on."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.stack import Stack

Process = tuple[int, str]  # its pid and when it started, so that a pid used again is no survivor


def until(condition: Callable[[], object], *, within_s: float = 60) -> None:
    """Returns as soon as `condition()` is true; what it raises as an OSError counts as not yet."""
    end = time.monotonic() + within_s
    while True:
        try:
            if condition():
                return
            failure: object = "false"
        except OSError as error:
            failure = error
        assert time.monotonic() < end, f"not within {within_s:g} s: {failure}"
        time.sleep(0.05)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _table() -> dict[int, list[str]]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = _stat(int(folder.name))
            except OSError:
                continue
    return found


def processes(stack: Stack) -> set[Process]:
    """The supervisor and all that descend from it now."""
    table = _table()
    pids, size = {stack.child.pid}, 0
    while len(pids) > size:
        size = len(pids)
        pids |= {pid for pid, stat in table.items() if int(stat[1]) in pids}
    return {(pid, table[pid][19]) for pid in pids if pid in table}


def alive(found: set[Process]) -> set[int]:
    """Those that still run; a zombie does not."""
    table = _table()
    return {pid for pid, started in found if pid in table and table[pid][19] == started and table[pid][0] != "Z"}


def mentioning(data: Path) -> list[str]:
    """Every process but ours that has the folder in its command or its environment."""
    found = []
    for pid in _table():
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes() + b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if str(data).encode() in text and pid != os.getpid():
            found.append(f"{pid}: {text[:200]!r}")
    return found


def listening(found: set[Process]) -> set[str]:
    """The addresses, as /proc writes them, that the processes listen on by TCP."""
    inodes = set()
    for pid, _started in found:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(link.readlink()).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}
