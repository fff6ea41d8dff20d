"""Sums by 15 minutes, from batches that have not been summed yet: no watermark that anything could be late for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

TAKE = """
SELECT id FROM billing_meterbatch WHERE NOT rolled_up ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED"""
COLUMNS = (
    "bucket, workspace_id, key_id, model, provider, requests, not_charged, prompt_tokens, completion_tokens, "
    "cached_tokens, reasoning_tokens, cost_nanousd, house_nanousd, latency_ms, list_nanousd, byok_nanousd"
)


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in COLUMNS.split(", "))


SUMS = """
SELECT date_bin('15 minutes', r.created_at, '2000-01-01 00:00:00+00') AS bucket, r.workspace_id, r.key_id, r.model,
       r.provider, count(*)::bigint AS requests, count(*) FILTER (WHERE r.basis = 'not_charged') AS not_charged,
       sum(r.prompt_tokens)::bigint AS prompt_tokens, sum(r.completion_tokens)::bigint AS completion_tokens,
       sum(r.cached_tokens)::bigint AS cached_tokens, sum(r.reasoning_tokens)::bigint AS reasoning_tokens,
       sum(r.cost_nanousd)::bigint AS cost_nanousd, sum(r.house_nanousd)::bigint AS house_nanousd,
       sum(r.latency_ms)::bigint AS latency_ms,
       coalesce(sum(r.list_nanousd) FILTER (WHERE NOT r.byok), 0)::bigint AS list_nanousd,
       coalesce(sum(r.list_nanousd) FILTER (WHERE r.byok), 0)::bigint AS byok_nanousd
  FROM billing_usagerecord r"""
# The totals of keys are the sums of their rollups, and change in the same statement.
ADD = f"""
WITH sums AS ({SUMS} WHERE r.batch_id = ANY(%s) GROUP BY 1, 2, 3, 4, 5
), totals AS (
  INSERT INTO billing_keytotal AS t (key_id, requests, cost_nanousd, last_bucket)
  SELECT key_id, sum(requests), sum(cost_nanousd), max(bucket) FROM sums GROUP BY key_id ORDER BY key_id
  ON CONFLICT (key_id) DO UPDATE SET
    requests = t.requests + excluded.requests, cost_nanousd = t.cost_nanousd + excluded.cost_nanousd,
    last_bucket = greatest(t.last_bucket, excluded.last_bucket)
)
INSERT INTO billing_usagerollup AS u ({COLUMNS})
SELECT {COLUMNS} FROM sums ORDER BY workspace_id, bucket, key_id, model, provider
ON CONFLICT (workspace_id, bucket, key_id, model, provider) DO UPDATE SET
  requests = u.requests + excluded.requests, not_charged = u.not_charged + excluded.not_charged,
  prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
  completion_tokens = u.completion_tokens + excluded.completion_tokens,
  cached_tokens = u.cached_tokens + excluded.cached_tokens,
  reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
  cost_nanousd = u.cost_nanousd + excluded.cost_nanousd, house_nanousd = u.house_nanousd + excluded.house_nanousd,
  latency_ms = u.latency_ms + excluded.latency_ms, list_nanousd = u.list_nanousd + excluded.list_nanousd,
  byok_nanousd = u.byok_nanousd + excluded.byok_nanousd"""  # noqa: S608
MARK = "UPDATE billing_meterbatch SET rolled_up = true WHERE id = ANY(%s)"


def rollups_add(*, batches_max: int = 1000) -> int:
    """Sum up to `batches_max` waiting batches; how many there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, [batches_max])
        found = [row[0] for row in cursor.fetchall()]
        if found:
            cursor.execute(ADD, [found])
            cursor.execute(MARK, [found])
    return len(found)


# --- rebuilding: a day at a time, and only what is wrong is written -------------------------------------------------
LOCK = """
LOCK TABLE billing_usagerollup IN EXCLUSIVE MODE;
LOCK TABLE billing_usagerecord IN ACCESS SHARE MODE"""  # rollups_add waits meanwhile; no partition can be detached
TRUTH = f"""
CREATE TEMP TABLE xr_truth ON COMMIT DROP AS {SUMS}
  JOIN billing_meterbatch b ON b.id = r.batch_id AND b.rolled_up
 WHERE r.created_at >= %(since)s AND r.created_at < %(until)s GROUP BY 1, 2, 3, 4, 5"""
GONE = """
SELECT NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'billing_usagerecord'::regclass
                                               AND inhrelid = to_regclass(%(partition)s))
   AND (SELECT coalesce(sum(requests), 0) FROM billing_usagerollup WHERE bucket >= %(since)s AND bucket < %(until)s)
     > (SELECT coalesce(sum(requests), 0) FROM xr_truth)"""
WRONG = f"""
DELETE FROM billing_usagerollup u WHERE u.bucket >= %(since)s AND u.bucket < %(until)s
   AND NOT EXISTS (SELECT 1 FROM xr_truth t WHERE ({_of("t")}) = ({_of("u")}))"""  # noqa: S608
RIGHT = f"""
INSERT INTO billing_usagerollup ({COLUMNS}) SELECT {COLUMNS} FROM xr_truth
    ON CONFLICT (workspace_id, bucket, key_id, model, provider) DO NOTHING"""  # noqa: S608
EXTENT = """
SELECT least((SELECT min(created_at) FROM billing_usagerecord), (SELECT min(bucket) FROM billing_usagerollup)),
       greatest((SELECT max(created_at) FROM billing_usagerecord), (SELECT max(bucket) FROM billing_usagerollup))"""
KEYS = """
CREATE TEMP TABLE xr_keys ON COMMIT DROP AS
SELECT key_id, sum(requests)::bigint AS requests, sum(cost_nanousd)::bigint AS cost, max(bucket) AS bucket
  FROM billing_usagerollup GROUP BY key_id"""
KEYS_WRONG = """
DELETE FROM billing_keytotal t WHERE NOT EXISTS (
  SELECT 1 FROM xr_keys k WHERE k.key_id = t.key_id AND (k.requests, k.cost, k.bucket)
                                = (t.requests, t.cost_nanousd, t.last_bucket))"""
KEYS_RIGHT = "INSERT INTO billing_keytotal SELECT key_id, requests, cost, bucket FROM xr_keys ON CONFLICT DO NOTHING"
DAY = timedelta(days=1)


class RecordsGone(Exception):
    """A day whose records were detached: its sums are all that is left of it, and are not touched."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`mended` rows (of rollups and of keys' totals) were not what the records say."""

    days: int
    mended: int


def rollups_rebuild(
    *,
    since: date | None = None,
    until: date | None = None,
    on_day: Callable[[date, int, int], None] = lambda *_: None,
) -> Rebuilt:
    """Make the sums of the days (UTC) from `since` through `until` those of the records; all days by default.

    Safe beside `rollups_add` and readers: each day is one transaction. `on_day` gets each day that is done, its
    number and how many there are. Raises RecordsGone.
    """
    first, last = _extent()
    first, last = since or first, until or last
    days = max((last - first).days + 1, 0)
    mended = 0
    for number in range(days):
        mended += _rebuild_day(first + number * DAY)
        on_day(first + number * DAY, number + 1, days)
    return Rebuilt(days, mended + _rebuild_keys())


def _extent() -> tuple[date, date]:
    with connection.cursor() as cursor:
        cursor.execute(EXTENT)
        first, last = cursor.fetchone()
    today = datetime.now(UTC)
    return (first or today).astimezone(UTC).date(), (last or today - DAY).astimezone(UTC).date()


def _rebuild_day(day: date) -> int:
    start = datetime.combine(day, time(), UTC)
    values: dict[str, Any] = {"since": start, "until": start + DAY, "partition": f"billing_usagerecord_{day:%Y_%m}"}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(TRUTH, values)
        cursor.execute(GONE, values)
        if cursor.fetchone()[0]:
            raise RecordsGone(
                f"Records of {day:%Y-%m} are gone: its partition is detached, and its sums are all that is left. "
                f"Rebuild from a later month with --since."
            )
        return _replace(cursor, WRONG, RIGHT, values)


def _rebuild_keys() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(KEYS)
        return _replace(cursor, KEYS_WRONG, KEYS_RIGHT, {})


def _replace(cursor: Any, wrong: str, right: str, values: dict[str, Any]) -> int:
    """What is wrong goes, what is missing comes; how many rows were not right."""
    cursor.execute(wrong, values)
    removed = int(cursor.rowcount)
    cursor.execute(right, values)
    return max(removed, int(cursor.rowcount))
