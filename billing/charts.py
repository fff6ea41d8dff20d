"""Usage of a workspace over a range: sums by bucket, stacked by model, key or provider. Amounts are nano-USD.

Everything comes from one statement, so buckets, series and totals are sums of the same rows.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from django.db import connection

from accounts.models import ApiKey
from billing.ranges import Range
from billing.sums import USAGE

Stack = Literal["model", "key", "provider"]
STACKS: tuple[str, ...] = get_args(Stack)
SERIES_MAX = 8
COLUMNS = {"model": "model", "provider": "provider", "key": "key_id::text"}
SUMS = """
SELECT width_bucket(at, %(edges)s::timestamptz[]) - 1, {column}, sum(cost_nanousd)::bigint, sum(requests)::bigint,
       sum(not_charged)::bigint, sum(prompt_tokens)::bigint, sum(completion_tokens)::bigint,
       sum(cached_tokens)::bigint, sum(reasoning_tokens)::bigint
  FROM {usage}
 WHERE (%(key)s::bigint IS NULL OR key_id = %(key)s) AND (%(model)s::text IS NULL OR model = %(model)s)
 GROUP BY 1, 2"""
MODELS = f"SELECT DISTINCT model FROM {USAGE} ORDER BY model"  # noqa: S608
EVER_USED = """
SELECT EXISTS (SELECT 1 FROM billing_usagerollup WHERE workspace_id = %(workspace)s)
    OR EXISTS (SELECT 1 FROM billing_usagerecord WHERE workspace_id = %(workspace)s)"""


@dataclass(frozen=True, slots=True)
class Sums:
    """`prompt` includes `cached`, `completion` includes `reasoning`; `not_charged` are requests that failed."""

    cost: int = 0
    requests: int = 0
    not_charged: int = 0
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.cost + other.cost,
            self.requests + other.requests,
            self.not_charged + other.not_charged,
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of the stack. `name` is what the column says (a key's id); "" with `other` is the rest."""

    name: str
    buckets: tuple[Sums, ...]
    other: bool = False
    total: Sums = field(default_factory=Sums)


@dataclass(frozen=True, slots=True)
class Usage:
    """Series from the dearest to the cheapest, what is left of them last; `names` are all, also those in the rest."""

    span: Range
    stack: str
    series: tuple[Series, ...]
    buckets: tuple[Sums, ...]
    total: Sums
    names: tuple[str, ...] = ()


def usage(
    *, workspace_id: int, span: Range, stack: str = "model", key_id: int | None = None, model: str | None = None
) -> Usage:
    """The workspace's usage in `span`, of one key or model where they are given."""
    values = _values(workspace_id, span) | {"edges": list(span.edges), "key": key_id, "model": model}
    with connection.cursor() as cursor:
        cursor.execute(SUMS.format(column=COLUMNS[stack], usage=USAGE), values)
        rows = [(row[0], row[1], Sums(*row[2:])) for row in cursor.fetchall()]
    return _stacked(span, stack, rows)


def models_used(*, workspace_id: int, span: Range) -> list[str]:
    """The models of a range, for a choice."""
    with connection.cursor() as cursor:
        cursor.execute(MODELS, _values(workspace_id, span))
        return [row[0] for row in cursor.fetchall()]


def ever_used(*, workspace_id: int) -> bool:
    """Whether the workspace has made any call yet."""
    with connection.cursor() as cursor:
        cursor.execute(EVER_USED, {"workspace": workspace_id})
        return bool(cursor.fetchone()[0])


def key_names(*, workspace_id: int) -> dict[str, str]:
    """Key id → its name, with its last four letters where two have the same name."""
    rows = list(ApiKey.objects.filter(workspace_id=workspace_id).order_by("name", "id").values("id", "name", "label"))
    names = [row["name"] for row in rows]
    return {
        str(row["id"]): f"{row['name']} …{row['label'][-4:]}" if names.count(row["name"]) > 1 else row["name"]
        for row in rows
    }


def _values(workspace_id: int, span: Range) -> dict[str, Any]:
    return {"workspace": workspace_id, "since": span.since, "until": span.until}


def _stacked(span: Range, stack: str, rows: list[tuple[int, str, Sums]]) -> Usage:
    count = len(span.edges) - 1
    by_name: dict[str, dict[int, Sums]] = defaultdict(dict)
    for bucket, name, sums in rows:
        by_name[name][bucket] = sums
    whole = {name: sum(parts.values(), Sums()) for name, parts in by_name.items()}
    ranked = sorted(whole, key=lambda name: (-whole[name].cost, -whole[name].tokens, -whole[name].requests, name))

    named = ranked if len(ranked) <= SERIES_MAX else ranked[:SERIES_MAX]
    series = [_series(name, [by_name[name]], count) for name in named]
    if len(named) < len(ranked):
        series.append(_series("", [by_name[name] for name in ranked[len(named) :]], count, other=True))
    buckets = tuple(sum((one.buckets[number] for one in series), Sums()) for number in range(count))
    return Usage(span, stack, tuple(series), buckets, sum(whole.values(), Sums()), tuple(sorted(whole)))


def _series(name: str, parts: list[dict[int, Sums]], count: int, *, other: bool = False) -> Series:
    buckets = tuple(sum((part.get(number, Sums()) for part in parts), Sums()) for number in range(count))
    return Series(name, buckets, other, sum(buckets, Sums()))
