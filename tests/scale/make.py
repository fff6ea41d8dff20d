"""Write the books: people, then calls chunk by chunk in the order of time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

from tests.billing.books import BANK, REVENUE
from tests.scale import sql
from xroute.lib.ids import new_id
from xroute.lib.progress import Progress

WORKSPACES, KEYS, ENDPOINTS, MONTHS = 1000, 100_000, 200, 12
BATCH, CHUNK = 50, 100_000
MEAN_COST_NANOUSD = 9_000_000


def make_partitions(owner_url: str, months: int) -> datetime:
    """Months of the past, as the owner; the first moment that has one."""
    today = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = today
    for _ in range(months - 1):
        since = (since - timedelta(days=1)).replace(day=1)
    with psycopg.connect(owner_url, autocommit=True) as conn:
        for (statement,) in conn.execute(sql.PARTITION, {"since": since}).fetchall():
            conn.execute(statement)
        conn.execute("SELECT xr_guard_partitions()")
    return since


def make_books(
    superuser_url: str,
    owner_url: str,
    *,
    records: int,
    bar: Progress,
    workspaces: int = WORKSPACES,
    keys: int = KEYS,
    months: int = MONTHS,
) -> int:
    """About `records` records, none of them rolled up yet; how many they are."""
    since, until = make_partitions(owner_url, months), datetime.now(UTC) - timedelta(minutes=10)
    shape = {"workspaces": workspaces, "keys": keys, "endpoints": ENDPOINTS, "size": BATCH, "worker": new_id()}
    chunks = max(records // CHUNK, months)
    step = (until - since) / chunks
    shape |= {"batches": max(records // chunks // BATCH, 1), "days": max(round(step / timedelta(days=1)), 1)}
    with psycopg.connect(superuser_url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '64MB'")
        conn.execute("SELECT setseed(0.42)")
        _run(conn, sql.PEOPLE, shape)
        month = 0
        for number in range(chunks):
            start = since + number * step
            if start.month != month:
                month = start.month
                _deposit(conn, start, records // months, workspaces)
            _run(conn, sql.CALLS, shape | {"since": start, "until": start + step, "revenue": REVENUE})
            bar.add(records / chunks)
        _run(conn, sql.BALANCES, {})
        conn.execute("SELECT setval('accounts_workspace_id_seq', 10000), setval('accounts_apikey_id_seq', 1000000)")
        conn.execute("SELECT setval('billing_creditaccount_id_seq', 100000)")
        bar.finish()
        found = conn.execute("SELECT count(*) FROM billing_usagerecord").fetchone()
    return found[0]


def _deposit(conn: psycopg.Connection, at: datetime, records: int, workspaces: int) -> None:
    values = {"bank": BANK, "at": at, "workspaces": workspaces, "nanousd": records * MEAN_COST_NANOUSD}
    _run(conn, sql.DEPOSITS, values)


def _run(conn: psycopg.Connection, statements: str, values: dict) -> None:
    """All in one transaction. UUIDs go as text: the statements are built on this side."""
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
    with conn.transaction(), psycopg.ClientCursor(conn) as cursor:
        cursor.execute(statements, values)
