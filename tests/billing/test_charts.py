"""Buckets, series and totals are the ledger's, to the nano-USD, whatever the zone and wherever a batch stands."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings, strategies as st

from accounts.models import User, Workspace
from accounts.services import api_key_create
from billing import charts
from billing.charts import Sums
from billing.pricing import Usage
from billing.ranges import Step, range_between, range_named
from billing.rollups import rollups_add
from tests.billing.usage import book, generation
from tests.cast import USD, person

pytestmark = pytest.mark.django_db
# A zone and a day on which its clock changes (Kathmandu's never does, and is 45 minutes off the hour).
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Kathmandu", date(2026, 2, 28)),
]
MODELS = [f"a/{number}" for number in range(11)]
tokens = st.integers(0, 5000)
calls = st.tuples(
    st.integers(0, 9 * 24 * 3_600_000),  # ms since four days before the change
    st.integers(0, 10**12),
    st.sampled_from(MODELS),
    st.tuples(tokens, tokens, tokens, tokens),
    st.sampled_from(["a", "b"]),
)


def key_of(at: datetime, zone: ZoneInfo, step: Step, first: date) -> tuple:
    """The naive model of a bucket: what the wall clock shows, floored."""
    local = at.astimezone(zone)
    if step is Step.HOUR:
        return (local.date(), local.hour, local.utcoffset())
    if step is Step.SIX_HOURS:
        return (local.date(), local.hour // 6)
    if step is Step.DAY:
        return (local.date(),)
    return (max(first, local.date() - timedelta(days=local.weekday())),)


def sums_of(record) -> Sums:
    usage = record.usage.normalised()
    failed = int(record.basis == "not_charged")
    return Sums(record.cost, 1, failed, usage.prompt, usage.completion, usage.cached, usage.reasoning)


def records_of(one, change, rows):
    start = datetime.combine(change - timedelta(days=4), datetime.min.time(), UTC)
    return [
        generation(
            one,
            start + timedelta(milliseconds=offset_ms),
            cost,
            model=model,
            provider=provider,
            usage=Usage(prompt=parts[0], completion=parts[1], cached=parts[2], reasoning=parts[3]),
        )
        for offset_ms, cost, model, parts, provider in rows
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from(CHANGES),
    before=st.integers(0, 3),
    after=st.sampled_from([0, 1, 3, 40, 120]),
    stack=st.sampled_from(charts.STACKS),
    rolled=st.lists(calls, max_size=25),
    waiting=st.lists(calls, max_size=8),
)
def test_every_bucket_is_what_a_naive_clock_says(db, where, before, after, stack, rolled, waiting):
    zone, change = ZoneInfo(where[0]), where[1]
    first, last = change - timedelta(days=before), change + timedelta(days=after)
    one = person(credit_nanousd=USD)
    settled, fresh = records_of(one, change, rolled), records_of(one, change, waiting)
    if settled:
        book(settled, roll=True)
    if fresh:
        book(fresh)
    span = range_between(first, last, zone=zone)
    found = charts.usage(workspace_id=one.workspace_id, span=span, stack=stack)

    inside = [r for r in (*settled, *fresh) if first <= instant(r).astimezone(zone).date() <= last]
    expected: dict[tuple, Sums] = defaultdict(Sums)
    for record in inside:
        expected[key_of(instant(record), zone, span.step, first)] += sums_of(record)
    buckets = {
        key_of(edge, zone, span.step, first): sums for edge, sums in zip(span.edges, found.buckets, strict=False)
    }
    assert len(buckets) == len(found.buckets) == len(span.edges) - 1
    assert {key: sums for key, sums in buckets.items() if sums != Sums()} == dict(expected)
    assert found.total == sum((sums_of(record) for record in inside), Sums())
    assert found.total == sum(found.buckets, Sums()) == sum((one.total for one in found.series), Sums())
    assert len(found.series) <= charts.SERIES_MAX + 1
    assert found.total.cost == ledger(one.workspace_id, span)


def instant(record) -> datetime:
    from xroute.lib.ids import created_at

    return created_at(record.id)


def ledger(workspace_id: int, span) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(cost_nanousd), 0) FROM billing_usagerecord "
            "WHERE workspace_id = %s AND created_at >= %s AND created_at < %s",
            [workspace_id, span.since, span.until],
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def one():
    return person(credit_nanousd=100 * USD)


def today(one, **values) -> charts.Usage:
    span = range_named("24h", zone=ZoneInfo("Asia/Kathmandu"), now=datetime.now(UTC))
    return charts.usage(workspace_id=one.workspace_id, span=span, **values)


def test_a_call_is_there_at_once_and_its_roll_up_changes_nothing(one):
    book([generation(one, cost=41), generation(one)])
    before = today(one)
    assert (before.total.cost, before.total.requests, before.total.not_charged) == (41, 2, 1)
    while rollups_add():
        pass
    assert today(one) == before
    assert before.buckets[-1].requests + before.buckets[-2].requests == 2


def test_the_dearest_are_named_and_the_rest_are_other(one):
    book([generation(one, cost=10 + number, model=model) for number, model in enumerate(MODELS)])
    found = today(one)
    assert [series.name for series in found.series] == [*reversed(MODELS[3:]), ""]
    assert found.series[-1].other
    assert found.series[-1].total.cost == 10 + 11 + 12


def test_stacked_by_key_and_filtered_by_key_and_model(one):
    workspace = Workspace.objects.get(pk=one.workspace_id)
    other = api_key_create(workspace=workspace, created_by=User.objects.get(pk=one.user_id), name="test").key
    book([generation(one, cost=1), generation(one, cost=2, key_id=other.pk, model="a/b")], roll=True)
    found = today(one, stack="key")
    assert [(series.name, series.total.cost) for series in found.series] == [(str(other.pk), 2), (str(one.key_id), 1)]
    assert today(one, key_id=other.pk).total.cost == 2
    assert today(one, model="sandbox/echo").total.cost == 1
    assert today(one, key_id=other.pk, model="sandbox/echo").total == Sums()
    names = charts.key_names(workspace_id=one.workspace_id)
    assert len(set(names.values())) == 2
    assert all(name.startswith("test …") for name in names.values())


def test_another_workspace_is_never_seen_not_even_by_its_keys(one):
    stranger = person(credit_nanousd=USD)
    book([generation(stranger, cost=5)], roll=True)
    book([generation(stranger, cost=6)])
    assert today(one).total == Sums()
    assert today(one, key_id=stranger.key_id).total == Sums()
    assert not charts.ever_used(workspace_id=one.workspace_id)
    assert charts.ever_used(workspace_id=stranger.workspace_id)
    span = today(one).span
    assert charts.models_used(workspace_id=one.workspace_id, span=span) == []
