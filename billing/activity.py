"""What a workspace used on each of the last thirty completed days (UTC), for the API plane. From rollups."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from billing.sums import USAGE
from xroute.lib.pg import Database

DAYS = 30
ACTIVITY = f"""
SELECT (at AT TIME ZONE 'UTC')::date, model, provider, sum(requests)::bigint, sum(prompt_tokens)::bigint,
       sum(completion_tokens)::bigint, sum(reasoning_tokens)::bigint, sum(cost_nanousd)::bigint
  FROM {USAGE}
 GROUP BY 1, 2, 3 ORDER BY 1 DESC, 8 DESC, 2, 3"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Activity:
    """A model at a provider on a day."""

    day: date
    model: str
    provider: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_nanousd: int


async def activity(db: Database, *, workspace_id: int, first: date, last: date) -> list[Activity]:
    """The days from `first` through `last`, the newest first, the dearest of a day first."""
    values = {"workspace": workspace_id, "since": _start(first), "until": _start(last + timedelta(days=1))}
    return [Activity(*row) for row in await db.fetch(ACTIVITY, values, timeout_s=10)]


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
