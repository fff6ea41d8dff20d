"""The read side for the API plane: psycopg, never the ORM. All amounts are nano-USD; every query has its workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from xroute.lib import ids
from xroute.lib.pg import Database

# Rollups hold the past; records whose batch is not rolled up yet are added, so that sums are exact at any moment.
# All that a key ever used stands in its total: only the running month (or week) is summed.
KEY_USAGE = """
SELECT (coalesce((SELECT cost_nanousd FROM billing_keytotal WHERE key_id = %(key)s), 0)
        + coalesce(sum(cost) FILTER (WHERE waiting), 0))::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(day)s), 0)::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(week)s), 0)::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(month)s), 0)::bigint
  FROM (SELECT bucket AS at, cost_nanousd AS cost, false AS waiting FROM billing_usagerollup
         WHERE key_id = %(key)s AND bucket >= least(%(week)s, %(month)s)
        UNION ALL
        SELECT r.created_at, r.cost_nanousd, true FROM billing_meterbatch b
          JOIN billing_usagerecord r ON r.batch_id = b.id
         WHERE NOT b.rolled_up AND r.key_id = %(key)s) u"""
KEYS_USAGE = """
SELECT k.id, (coalesce(t.cost_nanousd, 0) + coalesce(sum(cost) FILTER (WHERE waiting), 0))::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(day)s), 0)::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(week)s), 0)::bigint,
       coalesce(sum(cost) FILTER (WHERE at >= %(month)s), 0)::bigint
  FROM unnest(%(keys)s::bigint[]) k(id) LEFT JOIN billing_keytotal t ON t.key_id = k.id
  LEFT JOIN (SELECT key_id, bucket AS at, cost_nanousd AS cost, false AS waiting FROM billing_usagerollup
              WHERE key_id = ANY(%(keys)s) AND bucket >= least(%(week)s, %(month)s)
             UNION ALL
             SELECT r.key_id, r.created_at, r.cost_nanousd, true FROM billing_meterbatch b
               JOIN billing_usagerecord r ON r.batch_id = b.id
              WHERE NOT b.rolled_up AND r.key_id = ANY(%(keys)s)) u ON u.key_id = k.id
 GROUP BY k.id, t.cost_nanousd"""
# What was used is what came in otherwise, less what is left: its millions of transfers need not be read.
WORKSPACE_TOTALS = """
SELECT i.total, i.total - a.posted
  FROM billing_creditaccount a CROSS JOIN LATERAL (
    SELECT (coalesce((SELECT sum(amount) FROM billing_transfer WHERE credit_account_id = a.id AND kind <> 'usage'), 0)
          - coalesce((SELECT sum(amount) FROM billing_transfer WHERE debit_account_id = a.id AND kind <> 'usage'), 0)
           )::bigint AS total) i
 WHERE a.workspace_id = %s"""
KEYS_PERIODS = """
SELECT p.key_id, p.posted FROM unnest(%s::bigint[], %s::date[]) k(id, period_start)
  JOIN billing_keyperiod p ON p.key_id = k.id AND p.period_start = k.period_start"""
KEY_PERIOD = "SELECT posted, reserved FROM billing_keyperiod WHERE key_id = %s AND period_start = %s"
COLUMNS = (
    "id, upstream_id, request_id, model, provider, streamed, cancelled, late, basis, reason, finish_reason, "
    "prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost_nanousd, "
    "latency_ms, first_byte_ms, attempts, created_at, price_id, list_nanousd, margin_bp, byok, route"
)
GENERATION = f"""
SELECT {COLUMNS} FROM billing_usagerecord
 WHERE created_at = %s AND id = %s AND workspace_id = %s"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class KeyUsage:
    total: int
    daily: int
    weekly: int
    monthly: int


def _spans(today: date) -> dict[str, datetime]:
    day = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return {"day": day, "week": day - timedelta(days=today.weekday()), "month": day.replace(day=1)}


async def key_usage(db: Database, *, key_id: int, today: date) -> KeyUsage:
    """What a key has spent: ever, today, since Monday, this month (UTC)."""
    return KeyUsage(*(await db.fetch(KEY_USAGE, _spans(today) | {"key": key_id}))[0])


async def keys_usage(db: Database, *, key_ids: Sequence[int], today: date) -> dict[int, KeyUsage]:
    """The same of several keys."""
    rows = await db.fetch(KEYS_USAGE, _spans(today) | {"keys": list(key_ids)}, timeout_s=5)
    return {row[0]: KeyUsage(*row[1:]) for row in rows}


async def keys_periods_spent(db: Database, *, periods: Mapping[int, date]) -> dict[int, int]:
    """What keys with a limit have spent in the period of each that begins on this day; 0 is left out."""
    return {row[0]: row[1] for row in await db.fetch(KEYS_PERIODS, (list(periods), list(periods.values())))}


async def key_period_spent(db: Database, *, key_id: int, period_start: date) -> int:
    """What a key with a limit has spent in a period; what running calls hold is not in it."""
    rows = await db.fetch(KEY_PERIOD, (key_id, period_start))
    return rows[0][0] if rows else 0


async def workspace_totals(db: Database, *, workspace_id: int) -> tuple[int, int]:
    """(all credit that ever came in less what went out otherwise, all usage)."""
    total, used = (await db.fetch(WORKSPACE_TOTALS, (workspace_id,)))[0]
    return total, used


async def generation_record(db: Database, *, generation_id: UUID, workspace_id: int) -> dict[str, Any] | None:
    """A generation of this workspace, None where there is none."""
    rows = await db.fetch(GENERATION, (ids.created_at(generation_id), generation_id, workspace_id))
    return dict(zip(COLUMNS.split(", "), rows[0], strict=True)) if rows else None
