"""The audit's one pass over the usage records: month by month, into temporary tables that the checks read.

However many records there are, PostgreSQL keeps to its work_mem and puts the rest on disk. The sums are of the
transaction's snapshot, and go with it:

`xr_by_batch`   batch_id, account_id, workspace_id, records, cost (one row or more for each)
`xr_by_period`  key_id, period_start, records, cost: of keys with a limit
`xr_strayed`    stray_id, records: ids whose record does not stand at the moment inside the id. A moment and an id are
                unique together, so a generation that is booked twice has a stray.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

MEMORY = "64MB"
MOMENT = """('epoch'::timestamptz
  + ('x' || translate(left({id}::text, 13), '-', ''))::bit(48)::bigint * interval '1 millisecond')"""
TABLES = f"""
SET LOCAL work_mem = '{MEMORY}';
CREATE TEMP TABLE xr_audited (part smallint, batch_id uuid, account_id bigint, workspace_id bigint, key_id bigint,
  period_start date, stray_id uuid, records bigint, cost numeric) PARTITION BY LIST (part) ON COMMIT DROP;
CREATE TEMP TABLE xr_by_batch PARTITION OF xr_audited FOR VALUES IN (1) ON COMMIT DROP;
CREATE TEMP TABLE xr_by_period PARTITION OF xr_audited FOR VALUES IN (2) ON COMMIT DROP;
CREATE TEMP TABLE xr_strayed PARTITION OF xr_audited FOR VALUES IN (3) ON COMMIT DROP"""
SCAN = f"""
INSERT INTO xr_audited
SELECT CASE GROUPING(batch_id, limited, stray_id) WHEN 3 THEN 1 WHEN 5 THEN 2 ELSE 3 END, batch_id, account_id,
       workspace_id, limited, period_start, stray_id, count(*), sum(cost_nanousd)
  FROM (SELECT batch_id, account_id, workspace_id, CASE WHEN period_start IS NOT NULL THEN key_id END AS limited,
               period_start, CASE WHEN created_at <> {MOMENT.format(id="id")} THEN id END AS stray_id, cost_nanousd
          FROM billing_usagerecord
         WHERE created_at >= %s AND created_at < %s) r
 GROUP BY GROUPING SETS ((batch_id, account_id, workspace_id), (limited, period_start), (stray_id))"""  # noqa: S608
DONE = "ANALYZE xr_by_batch; ANALYZE xr_by_period; ANALYZE xr_strayed"
EDGES = """
SELECT DISTINCT edge[1]::timestamptz::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 CROSS JOIN regexp_matches(pg_get_expr(c.relpartbound, c.oid), '''([^'']+)''', 'g') edge
 WHERE i.inhparent = 'billing_usagerecord'::regclass"""


def scans(cursor: Any) -> list[tuple[str, str]]:
    """Ranges of time that together are all records, one for each partition, and what lies before and after them."""
    cursor.execute(EDGES)
    edges = ["-infinity", *sorted(row[0] for row in cursor.fetchall()), "infinity"]
    return list(pairwise(edges))


def scan_all(cursor: Any, ranges: list[tuple[str, str]]) -> Iterator[str]:
    """Fill the tables. What is scanned next is named before it is."""
    cursor.execute(TABLES)
    cursor.execute("SET TRANSACTION READ ONLY")
    for since, until in ranges:
        yield f"records from {since[:10]}"
        cursor.execute(SCAN, [since, until])
    cursor.execute(DONE)
