"""The parts of one web process, made once and handed to whoever needs them."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accounts.callers import Directory
from accounts.limits import Windows
from billing.meter import Meter
from billing.reservations.lease import Lease
from billing.reservations.treasurer import Treasurer
from billing.spooling import Spooling
from routing.catalogue import Catalogue
from routing.estimate import Expected
from routing.health import Health
from routing.limits import Limits
from routing.upstream import Upstream
from xroute.lib.clock import DatabaseClock
from xroute.lib.errors import unavailable
from xroute.lib.pg import Database

if TYPE_CHECKING:
    from routing.proxy.generation import Generation


@dataclass(slots=True)
class Runtime:
    """Everything a request needs, in memory."""

    db: Database
    clock: DatabaseClock
    directory: Directory
    lease: Lease
    treasurer: Treasurer
    meter: Meter
    spooling: Spooling
    catalogue: Catalogue
    health: Health
    expected: Expected
    upstream: Upstream
    windows: Windows
    limits: Limits
    running: "set[Generation]" = field(default_factory=set)
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    background: list["asyncio.Task[None]"] = field(default_factory=list)
    drains: dict[int, int] = field(default_factory=dict)
    alerted_above_max: dict[int, float] = field(default_factory=dict)
    closing: bool = False
    broken: str = ""

    @property
    def ready(self) -> str:
        """Empty where requests can be served, else why not."""
        if self.broken:
            return self.broken
        if self.closing:
            return "shutting down"
        if self.db.away_s > self.limits.outage_grace_s:
            return "the database is away"
        return "" if self.lease.admits() else "no lease"


_current: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Make `runtime` this process's own."""
    global _current
    _current = runtime


def current() -> Runtime:
    """This process's runtime; raises ApiError 503 before start-up is done."""
    if _current is None:
        raise unavailable("XRoute is starting. Try again in a moment.")
    return _current
