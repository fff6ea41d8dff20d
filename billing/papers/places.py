"""Where a moment stands in an account's transfers, by id: indexes of transfers go by account and id, not by time.

An id is drawn while its transaction is open and its time is when that began, so ids follow time but for the length of
a transaction. With MARGIN to both sides a place is sure, and whoever reads from it compares the times as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

MARGIN = timedelta(hours=1)
ID_MAX = 2**63 - 1
# Halved until nothing lies between: `low` is before the moment, `high` is not. Some forty steps, whatever the history.
# The account is asked for: were it written down, a busy one would be read by id alone, through everybody's rows, which
# never ends where it has been quiet for long.
PLACES = """
WITH RECURSIVE search (at, low, high) AS (
  SELECT at, 0::bigint, %(last)s::bigint FROM unnest(%(ats)s::timestamptz[]) at
   UNION ALL
  SELECT s.at, CASE WHEN t.created_at < s.at THEN t.id ELSE s.low END,
         CASE WHEN t.created_at < s.at THEN s.high ELSE s.middle END
    FROM (SELECT *, low + (high - low) / 2 AS middle FROM search) s
    LEFT JOIN LATERAL (
      SELECT * FROM (
        (SELECT id, created_at FROM billing_transfer
          WHERE debit_account_id = (SELECT %(account)s::bigint) AND id >= s.middle AND id < s.high
          ORDER BY id LIMIT 1)
         UNION ALL
        (SELECT id, created_at FROM billing_transfer
          WHERE credit_account_id = (SELECT %(account)s::bigint) AND kind <> 'usage' AND id >= s.middle AND id < s.high
          ORDER BY id LIMIT 1)
      ) both_sides ORDER BY id LIMIT 1) t ON true
   WHERE s.high - s.low > 1)
SELECT at, min(high) FROM search GROUP BY at"""
END = "SELECT coalesce(max(id), 0) + 1 FROM billing_transfer"


def places(*, account_id: int, moments: Sequence[datetime]) -> list[tuple[int, int]]:
    """(low, high) for each moment: what has an id below `low` came before it, what has one from `high` on did not."""
    asked = {at: (at - MARGIN, at + MARGIN) for at in moments}
    with connection.cursor() as cursor:
        cursor.execute(END)
        end: int = cursor.fetchone()[0]
        values: dict[str, Any] = {
            "account": account_id,
            "last": end,
            "ats": [at for two in asked.values() for at in two],
        }
        cursor.execute(PLACES, values)
        found: dict[datetime, int] = dict(cursor.fetchall())
    # Where nothing is as late as that yet, whatever is still to come may be.
    return [(found[low], ID_MAX if found[high] == end else found[high]) for low, high in asked.values()]
