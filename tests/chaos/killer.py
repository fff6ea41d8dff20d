"""Kills and stops processes of a running installation, by a schedule that its seed decides."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.chaos import processes
from tests.chaos.calls import Call
from tests.chaos.load import Load
from tests.stack import Stack

KINDS = ("web", "celery", "postgres", "valkey", "stripe")
DEEDS = tuple(f"{deed}-{kind}" for kind in KINDS for deed in ("kill", "stop"))
NAMES = {
    "web": ("web-1", "web-2"),
    "celery": ("celery", "beat"),
    "postgres": ("postgres",),
    "valkey": ("valkey",),
    "stripe": ("stripe",),
}
IN_FLIGHT_MIN, STREAMS_SHARE_MIN = 20, 0.4
FIRST_S, CYCLE_S, WAIT_S = 2.0, 58.0, 12.0
STOP_S = {"web": (1, 9), "celery": (1, 4), "postgres": (1, 6), "valkey": (1, 6), "stripe": (1, 4)}


@dataclass(slots=True)
class Deed:
    """What was done, when. `victims` were in flight at a web worker when it was killed."""

    what: str
    name: str
    at: float
    victims: list[Call] = field(default_factory=list)

    def __str__(self) -> str:
        streams = sum(call.stream for call in self.victims)
        return f"{self.what} ({self.name})" + (
            f", {len(self.victims)} in flight, {streams} streams" * bool(self.victims)
        )


@dataclass(slots=True)
class Killer:
    """`deeds` grows as they are done; `thin` says where there was too little load to be worth a kill."""

    stack: Stack
    load: Load
    random: Random
    say: Callable[[str], None]
    deeds: list[Deed] = field(default_factory=list)
    thin: list[str] = field(default_factory=list)

    async def run(self, seconds: float, kinds: Sequence[str] = DEEDS) -> None:
        """Each kind once in every minute, or once in all where less is given."""
        started, cycle_s = time.monotonic(), min(CYCLE_S, seconds - FIRST_S)
        for cycle in range(max(1, int(seconds // 60)) if kinds else 0):
            order = self.random.sample(list(kinds), len(kinds))
            for place, what in enumerate(order):
                due_s = FIRST_S + cycle * 60 + place * cycle_s / len(order)
                await asyncio.sleep(max(0.0, started + due_s - time.monotonic()))
                deed = await self._do(what)
                self.deeds.append(deed)
                self.say(f"{time.monotonic() - started:5.1f} s  {deed}")
        await asyncio.sleep(max(0.0, started + seconds - time.monotonic()))

    async def _do(self, what: str) -> Deed:
        verb, kind = what.split("-")
        if what == "kill-web":
            return await self._kill_web()
        name = self.random.choice(NAMES[kind])
        pid = await self._pid(name)
        at = time.time()
        if verb == "kill":
            os.kill(pid, signal.SIGKILL)
        else:
            processes.signal_session(pid, signal.SIGSTOP)
            await asyncio.sleep(self.random.uniform(*STOP_S[kind]))
            processes.signal_session(pid, signal.SIGCONT)
        return Deed(what, name, at)

    async def _pid(self, name: str) -> int:
        """Of a process that runs; one that has just died is waited for."""
        while True:
            with suppress(KeyError, ProcessLookupError):
                pid = self.stack.state[name]
                os.kill(pid, 0)
                return pid
            await asyncio.sleep(0.05)

    async def _kill_web(self) -> Deed:
        """Stopped first, so that nothing changes between the look at what is in flight and the kill."""
        until = time.monotonic() + WAIT_S
        while True:
            for name in NAMES["web"]:
                pid = await self._pid(name)
                with suppress(ProcessLookupError, FileNotFoundError):
                    os.kill(pid, signal.SIGSTOP)
                    victims = self._in_flight(pid)
                    last = time.monotonic() > until
                    if last or _enough(victims):
                        os.kill(pid, signal.SIGKILL)
                        if last:
                            self.thin.append(f"only {len(victims)} requests were in flight at a kill of {name}")
                        return Deed("kill-web", name, time.time(), victims)
                    os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.05)

    def _in_flight(self, pid: int) -> list[Call]:
        ports = processes.client_ports(pid, self.stack.port)
        return [call for call in self.load.running if call.port in ports]


def _enough(victims: Sequence[Call]) -> bool:
    streams = sum(call.stream for call in victims)
    return len(victims) >= IN_FLIGHT_MIN and STREAMS_SHARE_MIN * len(victims) <= streams
