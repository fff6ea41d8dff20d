"""What endpoints did lately: sums by minutes and quarters of an hour, from batches of records as they are rolled up.

A trigger queues each batch in the statement that marks it (migration 0006), and the transaction that adds its sums
takes it out of the queue: it counts once, however late it came. `figures_write` reads minutes of half an hour and
quarters of a day, never records.
"""

from collections.abc import Sequence
from typing import Any, get_args

from django.db import connection, transaction

from routing.errors import Kind, UpstreamError

# Steps of a logarithmic scale, ten per cent each: a percentile is right to five per cent.
STEP = 1.1
MINUTES_KEPT, QUARTERS_KEPT = "2 hours", "31 days"
DOWN: Sequence[str] = [kind for kind in get_args(Kind) if UpstreamError(kind, "").counts_against_endpoint]
TAKE = """
DELETE FROM routing_batchtomeasure WHERE batch_id IN (
  SELECT batch_id FROM routing_batchtomeasure LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING batch_id"""
# An attempt counts when its generation ended. One that the client's leaving broke off says nothing of its endpoint; a
# stream that broke after its first chunk was answered, and was down all the same. Time to the first token is known
# of streams alone, and what earlier attempts took is not this endpoint's.
RECORDS = """
WITH records AS MATERIALIZED (
  SELECT least(r.created_at + r.latency_ms * interval '1 millisecond', now()) AS at, r.*,
         CASE jsonb_typeof(r.attempts) WHEN 'array' THEN r.attempts ELSE '[]' END AS tries
    FROM billing_usagerecord r
   WHERE r.batch_id = ANY(%(batches)s)
     AND r.created_at > now() - %(kept)s::interval AND r.created_at < now() + interval '1 day'
), tried AS (
  SELECT r.at, (t.one->>'endpoint')::bigint AS endpoint_id, t.one->>'outcome' = 'answered' AS answered,
         t.one->>'outcome' = ANY(%(down)s) OR (t.one->>'outcome' = 'answered' AND r.reason = ANY(%(down)s)) AS down,
         r.cancelled AND t.number = jsonb_array_length(r.tries) AND t.one->>'outcome' <> 'answered' AS left_alone
    FROM records r CROSS JOIN LATERAL jsonb_array_elements(r.tries) WITH ORDINALITY t(one, number)
), counted AS (
  SELECT at, endpoint_id, (answered AND NOT down)::int AS up, down::int AS down
    FROM tried WHERE (answered OR down) AND NOT left_alone AND endpoint_id IS NOT NULL
), timed AS (
  SELECT r.at, r.endpoint_id, r.completion_tokens AS tokens,
         CASE WHEN r.streamed THEN greatest(r.first_byte_ms - w.before_ms, 1) END AS first_ms,
         greatest(CASE WHEN r.streamed THEN r.latency_ms - r.first_byte_ms ELSE r.first_byte_ms - w.before_ms END, 1)
           AS token_ms
    FROM records r CROSS JOIN LATERAL (
      SELECT coalesce(sum((t.one->>'ms')::bigint) FILTER (WHERE t.one->>'outcome' <> 'answered'), 0) AS before_ms,
             bool_or(t.one->>'outcome' = 'answered') AS answered
        FROM jsonb_array_elements(r.tries) t(one)) w
   WHERE r.basis = 'reported' AND r.reason = '' AND NOT r.cancelled AND w.answered AND r.first_byte_ms > 0
     AND r.completion_tokens > 0
), """
MINUTES = """added_minutes AS (
  INSERT INTO routing_endpointminute AS m (minute, endpoint_id, up, down)
  SELECT date_trunc('minute', at), endpoint_id, sum(up), sum(down) FROM counted GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (minute, endpoint_id) DO UPDATE SET up = m.up + excluded.up, down = m.down + excluded.down
), """
SPREADS = """steps AS (
  SELECT at, endpoint_id, 'latency' AS measure, first_ms::numeric AS value FROM timed WHERE first_ms IS NOT NULL
  UNION ALL SELECT at, endpoint_id, 'throughput', tokens * 1000.0 / token_ms FROM timed
), added_steps AS (
  INSERT INTO routing_endpointspread AS s (minute, endpoint_id, measure, step, answers)
  SELECT date_trunc('minute', at), endpoint_id, measure, floor(ln(value) / ln(%(step)s::numeric)), count(*)
    FROM steps GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (minute, endpoint_id, measure, step) DO UPDATE SET answers = s.answers + excluded.answers
), """
QUARTERS = """quarters AS (
  SELECT at, endpoint_id, up, down, 0 AS answers, 0 AS first_ms, 0 AS tokens, 0 AS token_ms FROM counted
  UNION ALL SELECT at, endpoint_id, 0, 0, 1, first_ms, tokens, token_ms FROM timed WHERE first_ms IS NOT NULL
)
INSERT INTO routing_endpointquarter AS q
  (quarter, endpoint_id, up, down, answers, first_byte_ms, tokens, token_ms)
SELECT date_bin('15 minutes', at, '2000-01-01 00:00:00+00'), endpoint_id, sum(up), sum(down), sum(answers),
       sum(first_ms), sum(tokens), sum(token_ms)
  FROM quarters GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (quarter, endpoint_id) DO UPDATE SET
  up = q.up + excluded.up, down = q.down + excluded.down, answers = q.answers + excluded.answers,
  first_byte_ms = q.first_byte_ms + excluded.first_byte_ms, tokens = q.tokens + excluded.tokens,
  token_ms = q.token_ms + excluded.token_ms"""
MEASURE = RECORDS + MINUTES + SPREADS + QUARTERS
# Of latency p90 is what nine in ten answers were within; of throughput what nine in ten reached.
FIGURES = """
WITH minutes AS (
  SELECT endpoint_id, sum(up) AS up_30m, sum(up + down) AS all_30m,
         coalesce(sum(up) FILTER (WHERE minute > now() - interval '5 minutes'), 0) AS up_5m,
         coalesce(sum(up + down) FILTER (WHERE minute > now() - interval '5 minutes'), 0) AS all_5m
    FROM routing_endpointminute WHERE minute > now() - interval '30 minutes' GROUP BY 1
), day AS (
  SELECT endpoint_id, sum(up) AS up_1d, sum(up + down) AS all_1d
    FROM routing_endpointquarter WHERE quarter > now() - interval '1 day' GROUP BY 1
), steps AS (
  SELECT endpoint_id, measure, CASE measure WHEN 'latency' THEN step ELSE -step END AS worse, sum(answers) AS answers
    FROM routing_endpointspread WHERE minute > now() - interval '30 minutes' GROUP BY 1, 2, 3
), run AS (
  SELECT endpoint_id, measure, worse, sum(answers) OVER (PARTITION BY endpoint_id, measure ORDER BY worse)
         / sum(answers) OVER (PARTITION BY endpoint_id, measure) AS share FROM steps
), worst AS (
  SELECT endpoint_id, measure, name, round(power(%(step)s::numeric, CASE measure WHEN 'latency' THEN min(worse)
         ELSE -min(worse) END + 0.5), 1) AS value
    FROM run JOIN (VALUES ('p50', 0.5), ('p75', 0.75), ('p90', 0.9), ('p99', 0.99)) p(name, part) ON share >= part
   GROUP BY 1, 2, 3
), spread AS (
  SELECT endpoint_id, jsonb_object_agg(name, value) FILTER (WHERE measure = 'latency') AS latency_ms,
         jsonb_object_agg(name, value) FILTER (WHERE measure = 'throughput') AS throughput_tps
    FROM worst GROUP BY 1
), found AS (
  SELECT e.id, jsonb_build_object(
      'requests_5m', coalesce(m.all_5m, 0), 'requests_30m', coalesce(m.all_30m, 0), 'requests_1d', d.all_1d,
      'uptime_5m', round(m.up_5m / nullif(m.all_5m, 0), 6), 'uptime_30m', round(m.up_30m / nullif(m.all_30m, 0), 6),
      'uptime_1d', round(d.up_1d / nullif(d.all_1d, 0), 6),
      'latency_ms', s.latency_ms, 'throughput_tps', s.throughput_tps) AS figures
    FROM routing_endpoint e JOIN day d ON d.endpoint_id = e.id
    LEFT JOIN minutes m ON m.endpoint_id = e.id LEFT JOIN spread s ON s.endpoint_id = e.id
   WHERE d.all_1d > 0
), gone AS (
  DELETE FROM routing_endpointfigures WHERE endpoint_id NOT IN (SELECT id FROM found)
)
INSERT INTO routing_endpointfigures AS f (endpoint_id, figures, computed_at)
SELECT id, figures, now() FROM found ORDER BY id
ON CONFLICT (endpoint_id) DO UPDATE SET figures = excluded.figures, computed_at = excluded.computed_at"""
PRUNE = (
    ("DELETE FROM routing_endpointminute WHERE minute < now() - %s::interval", MINUTES_KEPT),
    ("DELETE FROM routing_endpointspread WHERE minute < now() - %s::interval", MINUTES_KEPT),
    ("DELETE FROM routing_endpointquarter WHERE quarter < now() - %s::interval", QUARTERS_KEPT),
)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('routing_endpointfigures'))"


def batches_measure(*, batches_max: int = 500) -> int:
    """Add the attempts of up to `batches_max` waiting batches to the sums; how many there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, [batches_max])
        found = [row[0] for row in cursor.fetchall()]
        if found:
            values: dict[str, Any] = {"batches": found, "down": DOWN, "step": STEP, "kept": QUARTERS_KEPT}
            cursor.execute(MEASURE, values)
    return len(found)


def figures_write() -> int:
    """The figures of every endpoint with traffic in a day, in one statement; how many they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        cursor.execute(FIGURES, {"step": STEP})
        return int(cursor.rowcount)


def sums_prune() -> int:
    """Delete sums that nobody reads any more; how many."""
    deleted = 0
    with connection.cursor() as cursor:
        for statement, kept in PRUNE:
            cursor.execute(statement, [kept])
            deleted += int(cursor.rowcount)
    return deleted
