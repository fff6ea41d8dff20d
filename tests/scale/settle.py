"""How fast one worker settles: billing.meter.Meter itself on real PostgreSQL, at 1, 16 and 64 in flight."""

import asyncio
import time
from dataclasses import dataclass

import psycopg

from tests.billing.parts import worker

IN_FLIGHT = (1, 16, 64)
ACCOUNTS, COST, CREDIT = 20, 1000, 10**15


@dataclass(frozen=True, slots=True)
class Settled:
    """`waits_ms`: what each settlement added to its answer, from the smallest."""

    in_flight: int
    took_s: float
    waits_ms: list[float]
    transactions: int

    def __str__(self) -> str:
        count = len(self.waits_ms)
        return (
            f"{self.in_flight:3} in flight: {count / self.took_s:7,.0f} settled/s, "
            f"{count / self.transactions:5.1f} rows a transaction, wait p50 {self.waits_ms[count // 2]:.1f} ms, "
            f"p99 {self.waits_ms[count * 99 // 100]:.1f} ms"
        )


def settle(url: str, accounts: list[int], *, seconds: float) -> list[Settled]:
    """Measure each number in flight for so long. `url` is the application's; the accounts are funded."""
    return [asyncio.run(_settle(url, accounts, count, seconds)) for count in IN_FLIGHT]


async def _settle(url: str, accounts: list[int], count: int, seconds: float) -> Settled:
    waits_ms: list[float] = []
    async with worker(url) as one:
        before, began = _batches(url, one.id), time.perf_counter()
        until = began + seconds

        async def caller(number: int) -> None:
            account = accounts[number % len(accounts)]
            while time.perf_counter() < until:
                hold = await one.reserve(account, COST)
                sent = time.perf_counter()
                assert await one.settle(hold, COST) == "committed"
                waits_ms.append((time.perf_counter() - sent) * 1000)

        await asyncio.gather(*map(caller, range(count)))
        took_s = time.perf_counter() - began
        return Settled(count, took_s, sorted(waits_ms), _batches(url, one.id) - before)


def _batches(url: str, worker_id: object) -> int:
    with psycopg.connect(url) as conn:
        query = "SELECT count(*) FROM billing_meterbatch WHERE worker_id = %s"
        return conn.execute(query, (worker_id,)).fetchone()[0]


def make_accounts(superuser_url: str) -> list[int]:
    """Funded accounts of workspaces of their own."""
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        names = conn.execute(
            "INSERT INTO accounts_workspace (name) SELECT 'settle' FROM generate_series(1, %s) RETURNING id",
            (ACCOUNTS,),
        ).fetchall()
        query = (
            "WITH a AS (UPDATE billing_creditaccount SET posted = %(credit)s, paid_in = %(credit)s "
            "WHERE workspace_id = ANY(%(ids)s) RETURNING id) "
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
            "SELECT 1, id, %(credit)s, 'deposit', 'settle:' || id FROM a RETURNING credit_account_id"
        )
        made = conn.execute(query, {"credit": CREDIT, "ids": [row[0] for row in names]}).fetchall()
    return [row[0] for row in made]
