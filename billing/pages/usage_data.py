"""The usage page's numbers, as its script and its tables take them. Labels are in the viewer's zone, from here only."""

from datetime import datetime
from typing import Any

from billing.charts import Series, Sums, Usage
from billing.ranges import Range, Step
from xroute.templatetags.xr import compact, cost_short, count, usd

METRICS = {"cost": "Cost", "tokens": "Tokens", "requests": "Requests"}
REST = "everything else"


def page_data(found: Usage, names: dict[str, str]) -> dict[str, Any]:
    """JSON for static/js/charts.js: cost in nano-USD; `ticks` are short, `labels` whole."""
    return {
        "ticks": [_tick(found.span, at) for at in found.span.edges[:-1]],
        "labels": labels(found.span),
        "series": [
            {"name": series_name(one, names), "other": one.other, **{m: _values(one, m) for m in METRICS}}
            for one in found.series
        ],
        "totals": totals(found.total),
    }


def totals(sums: Sums) -> dict[str, str]:
    """The tiles' texts."""
    return {
        "cost": cost_short(sums.cost),
        "cost_exact": usd(sums.cost),
        "tokens": compact(sums.tokens),
        "tokens_exact": f"{count(sums.prompt)} in ({count(sums.cached)} cached), {count(sums.completion)} out",
        "requests": count(sums.requests),
        "not_charged": count(sums.not_charged),
    }


def tables(found: Usage, names: dict[str, str]) -> list[dict[str, Any]]:
    """One table a chart: a row for each bucket in which anything happened, newest first."""
    rows = [number for number, sums in enumerate(found.buckets) if sums.requests][::-1]
    texts = labels(found.span)
    made = []
    for metric, title in METRICS.items():
        shown = _shown(metric)
        made.append(
            {
                "metric": metric,
                "title": title,
                "heads": [series_name(one, names) for one in found.series],
                "rows": [
                    (
                        texts[n],
                        [shown(value(one.buckets[n], metric)) for one in found.series],
                        shown(value(found.buckets[n], metric)),
                    )
                    for n in rows
                ],
                "totals": [shown(value(one.total, metric)) for one in found.series],
                "total": shown(value(found.total, metric)),
            }
        )
    return made


def series_name(one: Series, names: dict[str, str]) -> str:
    """What people call it: a key by its name."""
    return REST if one.other else names.get(one.name, one.name or "none")


def value(sums: Sums, metric: str) -> int:
    """The metric of some sums."""
    return {"cost": sums.cost, "tokens": sums.tokens, "requests": sums.requests}[metric]


def _values(one: Series, metric: str) -> list[int]:
    return [value(sums, metric) for sums in one.buckets]


def _shown(metric: str) -> Any:
    return usd if metric == "cost" else count


def labels(span: Range) -> list[str]:
    """Each bucket in words; an hour that the clock shows twice is told apart by its offset."""
    return [_label(span, start, end) for start, end in zip(span.edges, span.edges[1:], strict=False)]


def _label(span: Range, start: datetime, end: datetime) -> str:
    local, until = start.astimezone(span.zone), end.astimezone(span.zone)
    day = f"{local:%a} {local.day} {local:%b}"
    if span.step is Step.DAY:
        return f"{day} {local.year}"
    if span.step is Step.WEEK:
        return f"from {day} {local.year}"
    return f"{day}, {local:%H:%M}–{until:%H:%M} {local:%Z}"


def _tick(span: Range, start: datetime) -> str:
    local = start.astimezone(span.zone)
    if span.step is Step.HOUR:
        return f"{local:%H:%M}" if local.hour else f"{local.day} {local:%b}"
    return f"{local.day} {local:%b}" if not local.hour or span.step is not Step.SIX_HOURS else ""
