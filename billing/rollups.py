"""Sums by 15 minutes, from batches that have not been summed yet: no watermark that anything could be late for."""

from django.db import connection, transaction

TAKE = """
SELECT id FROM billing_meterbatch WHERE NOT rolled_up ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED"""
# The id of a record carries its time, so the partition is found by the batch's own range of times.
ADD = """
INSERT INTO billing_usagerollup AS u (bucket, workspace_id, key_id, model, provider, requests, not_charged,
  prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_nanousd, house_nanousd, latency_ms)
SELECT date_bin('15 minutes', created_at, '2000-01-01 00:00:00+00'), workspace_id, key_id, model, provider, count(*),
       count(*) FILTER (WHERE basis = 'not_charged'), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens),
       sum(reasoning_tokens), sum(cost_nanousd), sum(house_nanousd), sum(latency_ms)
  FROM billing_usagerecord WHERE batch_id = ANY(%s) GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
ON CONFLICT (workspace_id, bucket, key_id, model, provider) DO UPDATE SET
  requests = u.requests + excluded.requests, not_charged = u.not_charged + excluded.not_charged,
  prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
  completion_tokens = u.completion_tokens + excluded.completion_tokens,
  cached_tokens = u.cached_tokens + excluded.cached_tokens,
  reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
  cost_nanousd = u.cost_nanousd + excluded.cost_nanousd, house_nanousd = u.house_nanousd + excluded.house_nanousd,
  latency_ms = u.latency_ms + excluded.latency_ms"""
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


def rollups_rebuild() -> int:
    """Sum everything anew from the records; how many batches."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE billing_usagerollup IN EXCLUSIVE MODE")
        cursor.execute("SELECT id FROM billing_meterbatch WHERE rolled_up FOR UPDATE")
        found = [row[0] for row in cursor.fetchall()]
        cursor.execute("DELETE FROM billing_usagerollup")
        cursor.execute(ADD, [found])
    return len(found)
