"""One run: an installation with funded keys, load on it, kills in it, and then the books."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from tests.browser.people import visitor
from tests.chaos import plants
from tests.chaos.books import Books, held, parted, read_books
from tests.chaos.compare import compare
from tests.chaos.killer import DEEDS, Deed, Killer
from tests.chaos.load import Load
from tests.chaos.payers import Payers
from tests.chaos.till import Till, read_till, unlike, waiting
from tests.stack import Stack, running
from xroute.embedded.home import PROJECT, open_home
from xroute.embedded.postgres import OWNER, SUPERUSER

CREDIT_USD, LIMIT_USD, PEOPLE, CLIENTS = 20, 10, 4, 96
QUIET_S, PLANTED_QUIET_S, WATCH_S, WATCHED_MAX, LEAVES_SHARE_MIN = 60.0, 15.0, 0.5, 100, 0.08
NANO, AUDIT_LINES_MAX = 1_000_000_000, 10
PERSON = "chaos{}@example.com"
SETTINGS = {"WEB_CONCURRENCY": "2", "XROUTE_LEASE_TTL_S": "6", "XROUTE_HOLD_IDLE_S": "2", "XROUTE_KEEPALIVE_S": "3"}
SETTINGS |= {"STRIPE_RECHECK_S": "3", "STRIPE_CHECKOUTS_MAX": "100000", "STRIPE_TIMEOUT_S": "3"}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run; no faults is a proof."""

    load: Load
    deeds: list[Deed]
    books: Books
    faults: list[str]
    payers: Payers
    till: Till


@contextmanager
def stage(folder: Path, planted: Sequence[str]) -> Iterator[Stack]:
    settings = dict(SETTINGS)
    for plant in set(planted) & set(plants.SUBMITTED):
        settings |= {"CHAOS_PLANT": plant, "PYTHONPATH": str(PROJECT / "tests/chaos/planted")}
    with running(folder / "data", **settings) as stack:
        for plant in planted:
            if plant in plants.SQL:
                _plant_sql(stack, *plants.SQL[plant])
            elif plant in plants.TRIGGERS:
                with psycopg.connect(_url(stack, SUPERUSER), autocommit=True) as conn:
                    conn.execute(plants.TRIGGERS[plant])
        yield stack


def _plant_sql(stack: Stack, old: str, new: str) -> None:
    with psycopg.connect(_url(stack, OWNER), autocommit=True) as conn:
        row = conn.execute("SELECT pg_get_functiondef('xr_meter_commit'::regproc)").fetchone()
        assert row is not None
        assert old in row[0]
        conn.execute(row[0].replace(old, new))


def _url(stack: Stack, role: str) -> str:
    return open_home(stack.data).postgres().url(role)


def make_keys(stack: Stack) -> list[str]:
    """Keys of four workspaces, one in two with a limit of its own."""

    def make(number: int) -> str:
        limit = ("--limit", str(LIMIT_USD)) if number % 2 else ()
        made = stack.manage("create_key", PERSON.format(number), "--credit", str(CREDIT_USD), *limit)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(make, range(PEOPLE)))


def play(
    folder: Path,
    *,
    seconds: float,
    seed: int,
    planted: Sequence[str] = (),
    deeds: Sequence[str] = DEEDS,
    say: Callable[[str], None] = print,
) -> Report:
    """Run for so long, wait until all is quiet, and prove the books."""
    with stage(folder, planted) as stack:
        keys = make_keys(stack)
        say(
            f"ready; {CLIENTS} clients, {seconds:g} s, seed {seed}"
            + (f", planted: {', '.join(planted)}" if planted else "")
        )
        load = Load(stack.url, keys, seed, CLIENTS)
        payers = Payers(stack, [visitor(stack, PERSON.format(number)) for number in range(PEOPLE)], seed)
        killer = Killer(stack, load, Random(seed), say)
        faults = asyncio.run(_perform(load, payers, killer, seconds, deeds))
        quiet_s = PLANTED_QUIET_S if planted else QUIET_S
        faults += killer.thin + _thin(load) + _quiet(stack, quiet_s)
        till = _till(stack, quiet_s)
        books = read_books(_url(stack, SUPERUSER), stack.data / "sandbox-book.jsonl")
        faults += compare(load.calls, books, killer.deeds, PEOPLE * CREDIT_USD * NANO + till.credited_nanousd)
        faults += unlike(till)
        if not till.paid:
            faults.append("nobody paid anything")
        audit = stack.manage("audit_ledger")
        if audit.returncode:
            faults += [
                f"audit_ledger: {line}" for line in (audit.stdout + audit.stderr).splitlines()[-AUDIT_LINES_MAX:]
            ]
    return Report(load, killer.deeds, books, faults, payers, till)


async def _perform(load: Load, payers: Payers, killer: Killer, seconds: float, deeds: Sequence[str]) -> list[str]:
    """What was found while the load ran."""
    clients = asyncio.gather(load.run(), payers.run())
    watch = asyncio.create_task(_watch(_url(killer.stack, SUPERUSER)))
    try:
        await killer.run(seconds, deeds)
    finally:
        load.stop()
        payers.stop()
        await clients
        watch.cancel()
    (found,) = await asyncio.gather(watch, return_exceptions=True)
    return found if isinstance(found, list) else [f"the watch over reservations failed: {found!r}"]


async def _watch(url: str) -> list[str]:
    """Every second: a fault that a later one hides is a fault all the same."""
    found: list[str] = []
    try:
        while len(found) < WATCHED_MAX:
            found += await asyncio.to_thread(parted, url)
            await asyncio.sleep(WATCH_S)
    except asyncio.CancelledError:
        pass
    return found


def _thin(load: Load) -> list[str]:
    counts = Counter(call.outcome for call in load.calls)
    if counts["left"] < LEAVES_SHARE_MIN * len(load.calls):
        return [f"only {counts['left']} of {len(load.calls)} clients left early"]
    return []


def _quiet(stack: Stack, quiet_s: float) -> list[str]:
    """Wait until nothing is spooled or held any more: workers that died are expired, idle credit is given back."""
    url, spool, until = _url(stack, SUPERUSER), stack.data / "spool", time.monotonic() + quiet_s
    while True:
        waiting = [path.name for path in spool.glob("*.spool") if path.stat().st_size]
        try:
            reserved = held(url)
        except psycopg.OperationalError:
            reserved = -1
        if not waiting and not reserved:
            return []
        if time.monotonic() > until:
            return [f"{quiet_s:g} s after the last request {reserved} are held and {waiting} are spooled"]
        time.sleep(0.25)


def _till(stack: Stack, quiet_s: float) -> Till:
    """Stripe's book and ours, once all that was paid is credited, or nothing has changed for long."""
    until = time.monotonic() + quiet_s
    while True:
        till = read_till(_url(stack, SUPERUSER), stack.data / "stripe.jsonl")
        if not waiting(till) or time.monotonic() > until:
            return till
        time.sleep(0.5)
