"""The product's own reads for one workspace: how long the server takes, and by which plans."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import ApiKey, Membership, User, Workspace
from billing import charts, generations, glance, history, selectors
from billing.activity import ACTIVITY
from billing.papers import statements
from billing.papers.months import month_of, months_between
from billing.ranges import range_between, range_named

ROUNDS = 5
# Ranges that a person has to type; the pages offer up to thirty days.
LONG = [
    f"{what} of a {span}{by}"
    for span in ("quarter", "year")
    for what, by in (("chart", " by model"), ("chart", " by key"), ("models", ""))
]
LONG += [f"generations of a year, rare {what}" for what in ("key", "model")]


@dataclass(slots=True)
class Read:
    """Milliseconds of each round (the first, cold one is not among them), and what was asked, with its values."""

    name: str
    times_ms: list[float]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)


def busiest() -> int:
    """The workspace with the most records."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id FROM billing_usagerollup GROUP BY 1 ORDER BY sum(requests) DESC LIMIT 1")
        return cursor.fetchone()[0]


def reads(workspace_id: int, zone: str = "Asia/Kathmandu") -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and call of every read that grows, or would."""
    one, where, now = {"workspace_id": workspace_id}, ZoneInfo(zone), datetime.now(UTC)
    workspace = Workspace.objects.get(pk=workspace_id)
    key = ApiKey.objects.filter(workspace_id=workspace_id).order_by("id").first()
    rare = ApiKey.objects.filter(workspace_id=workspace_id).order_by("id").last()
    today = now.astimezone(where).date()
    spans = {name: range_named(name, zone=where, now=now) for name in ("24h", "7d", "30d")}
    spans["a quarter"] = range_between(today - timedelta(days=91), today, zone=where)
    spans["a year"] = range_between(today - timedelta(days=365), today, zone=where)
    for name, span in spans.items():
        for stack in ("model", "key"):
            yield (
                f"chart of {name} by {stack}",
                lambda span=span, stack=stack: charts.usage(**one, span=span, stack=stack),
            )
        yield f"models of {name}", lambda span=span: charts.models_used(**one, span=span)
    yield "chart of 30d, one model", lambda: charts.usage(**one, span=spans["30d"], model="author-1/model-0")
    yield "ever used", lambda: charts.ever_used(**one)
    yield "today", lambda: glance.today(workspace, zone=where)
    yield "spend by key", lambda: glance.spend_by_key(workspace)
    yield from _lists(one, spans, key.pk, rare.pk)
    yield from _statements(workspace, now)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = {"key": key.pk, "day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
    yield "GET /v1/key", _lean(selectors.KEY_USAGE, week)
    keys = list(ApiKey.objects.filter(workspace_id=workspace_id).order_by("id").values_list("id", flat=True)[:100])
    yield "GET /v1/keys", _lean(selectors.KEYS_USAGE, week | {"keys": keys})
    yield (
        "GET /v1/activity",
        _lean(ACTIVITY, {"workspace": workspace_id, "since": day - timedelta(days=30), "until": day}),
    )
    yield "GET /v1/credits", _lean(selectors.WORKSPACE_TOTALS, [workspace_id])


def _lists(one: dict, spans: dict, key: int, rare: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    last, middle, old = _transfers(one["workspace_id"])
    yield "movements, newest", lambda: history.movements_page(**one)
    yield "movements, last week's", lambda: history.movements_page(**one, before=last)
    yield "movements, half way", lambda: history.movements_page(**one, before=middle)
    yield "movements, oldest", lambda: history.movements_page(**one, before=old)
    yield "movements but usage", lambda: history.movements_page(**one, usage=False)
    for name in ("7d", "30d", "a year"):
        span = {"since": spans[name].since, "until": spans[name].until}
        yield f"generations of {name}", lambda span=span: generations.generations_page(**one, **span)
        yield (
            f"generations of {name}, busy key",
            lambda span=span: generations.generations_page(**one, **span, key_id=key),
        )
        yield (
            f"generations of {name}, rare key",
            lambda span=span: generations.generations_page(**one, **span, key_id=rare),
        )
        yield (
            f"generations of {name}, rare model",
            lambda span=span: generations.generations_page(**one, **span, model="author-0/model-66"),
        )


def _statements(workspace: Workspace, now: datetime) -> Iterator[tuple[str, Callable[[], Any]]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(created_at) FROM billing_transfer")
        workspace.created_at = cursor.fetchone()[0]  # it was there from the first on
    listed = months_between(month_of(workspace.created_at), month_of(now))
    yield "statements", lambda: statements.months(workspace=workspace)
    for name, month in (("this month", listed[0]), ("last month", listed[1]), ("the first month", listed[-1])):
        yield f"statement of {name}", lambda month=month: statements.statement(workspace=workspace, month=month)
        yield (
            f"movements of {name}, the first page",
            lambda month=month: next(statements.movements(workspace=workspace, month=month), None),
        )


def _transfers(workspace_id: int) -> tuple[int, int, int]:
    """Ids of transfers: a week ago, half way, and near the beginning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM billing_transfer")
        first, last = cursor.fetchone()
    return last - (last - first) // 52, (first + last) // 2, first + (last - first) // 100


def _lean(sql: str, values: Any) -> Callable[[], Any]:
    """A read of the API plane: the same statement, asked on this connection."""

    def run() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    return run


def timed(name: str, call: Callable[[], Any], rounds: int = ROUNDS) -> Read:
    """Call it some times; the whole of it counts, in Python and in PostgreSQL."""
    found = Read(name, [])

    def listen(execute, sql, values, many, context):
        found.asked.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(listen):
        call()
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        found.times_ms.append((time.perf_counter() - began) * 1000)
    return found


def plan(sql: str, values: Any, *, analyze: bool = True) -> str:
    """How PostgreSQL answers a question."""
    how = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, SETTINGS)" if analyze else "EXPLAIN (COSTS OFF)"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {sql}", values)
        return "\n".join(row[0] for row in cursor.fetchall())


def views(workspace_id: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Whole pages, as Django answers them to the workspace's owner: templates, session and all."""
    from django.test import Client

    from accounts.access import SESSION_KEY

    user, _ = User.objects.get_or_create(email="scale@example.com")
    Membership.objects.get_or_create(user=user, workspace_id=workspace_id, role="owner")
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session[SESSION_KEY] = workspace_id
    session.save()
    for path in ("/overview", "/keys", "/credits", "/credits?usage=0", "/usage", "/usage?range=30d", "/usage?by=key"):
        yield f"GET {path}", lambda path=path: _got(browser, path)


def _got(browser: Any, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.get("location"))
