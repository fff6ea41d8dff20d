"""What pages show at a glance: today in the viewer's zone, and what each key has spent. Amounts are nano-USD."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from billing.sums import USAGE

TODAY = f"""
SELECT coalesce(sum(cost_nanousd), 0)::bigint, coalesce(sum(requests), 0)::bigint,
       coalesce(sum(not_charged), 0)::bigint
  FROM {USAGE}"""  # noqa: S608
# A rollup knows the quarter of an hour in which a key was used last; the moment itself stands in its records.
BY_KEY = """
WITH sums AS (
  SELECT key_id, sum(cost)::bigint AS cost, sum(requests)::bigint AS requests, max(at) AS at FROM (
    SELECT t.key_id, t.cost_nanousd AS cost, t.requests, t.last_bucket AS at
      FROM accounts_apikey k JOIN billing_keytotal t ON t.key_id = k.id WHERE k.workspace_id = %(workspace)s
     UNION ALL
    SELECT r.key_id, r.cost_nanousd, 1, date_bin('15 minutes', r.created_at, '2000-01-01 00:00:00+00')
      FROM billing_meterbatch b JOIN billing_usagerecord r ON r.batch_id = b.id
     WHERE NOT b.rolled_up AND r.workspace_id = %(workspace)s) used GROUP BY key_id
), today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day)
SELECT k.id, coalesce(s.cost, 0), coalesce(s.requests, 0),
       CASE WHEN k.limit_nanousd IS NOT NULL THEN coalesce(p.posted, 0) END, coalesce(l.created_at, s.at)
  FROM accounts_apikey k CROSS JOIN today t
  LEFT JOIN sums s ON s.key_id = k.id
  LEFT JOIN billing_keyperiod p ON p.key_id = k.id AND p.period_start = CASE k.limit_reset
    WHEN 'daily' THEN t.day WHEN 'weekly' THEN date_trunc('week', t.day)::date
    WHEN 'monthly' THEN date_trunc('month', t.day)::date ELSE DATE '1970-01-01' END
  LEFT JOIN LATERAL (
    SELECT r.created_at FROM billing_usagerecord r
     WHERE r.workspace_id = %(workspace)s AND r.key_id = k.id
       AND r.created_at >= s.at AND r.created_at < s.at + interval '15 minutes'
     ORDER BY r.created_at DESC LIMIT 1) l ON true
 WHERE k.workspace_id = %(workspace)s"""


@dataclass(frozen=True, slots=True)
class Today:
    """Since midnight. `errors` are the requests of which nothing was charged because they failed."""

    cost_nanousd: int
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class KeySpend:
    """`period_nanousd`: what counts against the key's limit now; None where it has no limit."""

    total_nanousd: int
    requests: int
    period_nanousd: int | None
    last_used_at: datetime | None


def today(workspace: Workspace, *, zone: tzinfo | None = None) -> Today:
    """The workspace's usage since midnight in `zone` (the viewer's where it is left out), up to this moment."""
    zone = zone or timezone.get_current_timezone()
    local = timezone.now().astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    values: dict[str, int | datetime] = {
        "workspace": workspace.pk,
        "since": midnight.astimezone(UTC),
        "until": local + timedelta(days=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(TODAY, values)
        return Today(*cursor.fetchone())


def spend_by_key(workspace: Workspace) -> dict[int, KeySpend]:
    """Every key of the workspace, by its id; one query, however many there are."""
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY, {"workspace": workspace.pk})
        return {row[0]: KeySpend(*row[1:]) for row in cursor.fetchall()}
