"""Two of the three books, read when all is quiet: the upstream's and the ledger. The third is the clients' calls."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

RECORDS = """
SELECT u.id, u.request_id, u.upstream_id, u.basis, u.reason, u.late, u.cancelled, u.cost_nanousd, u.house_nanousd,
       u.prompt_tokens, u.completion_tokens, u.cached_tokens, u.reasoning_tokens, p.input, p.output,
       coalesce(p.cached_input, p.input) AS cached, coalesce(p.reasoning, p.output) AS reasoning
  FROM billing_usagerecord u LEFT JOIN routing_endpointprice p ON p.id = u.price_id"""
PRICES = """
SELECT DISTINCT ON (r.slug, e.upstream_id) r.slug, e.upstream_id, p.input, p.output,
       coalesce(p.cached_input, p.input) AS cached, coalesce(p.reasoning, p.output) AS reasoning
  FROM routing_endpoint e JOIN routing_provider r ON r.id = e.provider_id
  JOIN routing_endpointprice p ON p.endpoint_id = e.id
 ORDER BY r.slug, e.upstream_id, p.valid_from DESC"""
PREFIXES = {"sandbox": "a", "sandbox-b": "b", "sandbox-c": "c"}
HELD = "SELECT coalesce(sum(reserved), 0)::bigint, coalesce(sum(exposed), 0)::bigint FROM billing_creditaccount"
PARTED = """
SELECT a.id, a.reserved, (SELECT coalesce(sum(amount), 0) FROM billing_reservation WHERE account_id = a.id)::bigint
  FROM billing_creditaccount a
 WHERE a.reserved <> (SELECT coalesce(sum(amount), 0) FROM billing_reservation WHERE account_id = a.id)"""
BALANCE = """
SELECT (SELECT coalesce(sum(posted), 0) FROM billing_creditaccount WHERE house IS NULL)::bigint,
       (SELECT coalesce(sum(cost_nanousd), 0) FROM billing_usagerecord)::bigint"""


@dataclass(frozen=True, slots=True)
class Books:
    """`upstream`, `records`, prices by the upstream's prefix and model; what is left of the deposits, and was spent."""

    upstream: list[dict[str, Any]]
    records: list[dict[str, Any]]
    prices: dict[tuple[str, str], dict[str, Any]]
    posted: int
    cost: int


def read_books(database_url: str, book: Path) -> Books:
    with psycopg.connect(database_url, row_factory=dict_row) as conn:
        records = conn.execute(RECORDS).fetchall()
        prices = conn.execute(PRICES).fetchall()
    with psycopg.connect(database_url) as conn:
        posted, cost = conn.execute(BALANCE).fetchone() or (0, 0)
    upstream = [json.loads(line) for line in book.read_text().splitlines()]
    by_upstream = {(PREFIXES.get(row["slug"], ""), row["upstream_id"]): row for row in prices}
    return Books(upstream, records, by_upstream, posted, cost)


def held(database_url: str) -> int:
    """What is still reserved or exposed, of anybody."""
    with psycopg.connect(database_url) as conn:
        return sum(conn.execute(HELD).fetchone() or ())


def parted(database_url: str) -> list[str]:
    """Accounts whose reserved sum is not that of their reservations, at this moment of the load."""
    try:
        with psycopg.connect(database_url, connect_timeout=1) as conn:
            rows = conn.execute(PARTED).fetchall()
    except psycopg.OperationalError:
        return []
    return [f"account {row[0]} says {row[1]} are reserved, its reservations say {row[2]}" for row in rows]
