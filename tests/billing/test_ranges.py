"""Buckets of the viewer's clock: days of 23 and 25 hours, half-hour zones, hours that come twice or not at all."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.ranges import DAYS_MAX, Step, midnight, range_between, range_named

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KATHMANDU, SANTIAGO = (
    ZoneInfo(name) for name in ("Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
)


def lengths_h(span) -> list[float]:
    return [(end - start) / timedelta(hours=1) for start, end in zip(span.edges, span.edges[1:], strict=False)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), [1.0] * 23),
        (BERLIN, date(2026, 10, 25), [1.0] * 25),
        (NEW_YORK, date(2026, 3, 8), [1.0] * 23),
        (NEW_YORK, date(2026, 11, 1), [1.0] * 25),
        (KATHMANDU, date(2026, 5, 5), [1.0] * 24),
        # Half an hour is left out at two, and comes twice before two.
        (LORD_HOWE, date(2026, 10, 4), [1.0, 1.0, 0.5] + [1.0] * 21),
        (LORD_HOWE, date(2026, 4, 5), [1.0, 1.0, 0.5] + [1.0] * 22),
        # Midnight itself is left out: the day begins at one.
        (SANTIAGO, date(2026, 9, 6), [1.0] * 23),
    ],
)
def test_the_hours_of_a_day_when_the_clock_changes(zone, day, hours):
    assert lengths_h(range_between(day, day, zone=zone)) == hours


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, date(2026, 3, 29), 23), (BERLIN, date(2026, 10, 25), 25), (LORD_HOWE, date(2026, 4, 5), 24.5)],
)
def test_days_and_parts_of_days_are_as_long_as_the_clock_makes_them(zone, day, hours):
    days = range_between(day - timedelta(days=20), day + timedelta(days=20), zone=zone)
    assert days.step is Step.DAY
    assert [length for length in lengths_h(days) if length != 24] == ([hours] if hours != 24 else [])
    parts = range_between(day - timedelta(days=2), day + timedelta(days=2), zone=zone)
    assert parts.step is Step.SIX_HOURS
    assert sorted(set(lengths_h(parts))) == sorted({6.0, 6.0 + hours - 24})
    assert len(lengths_h(parts)) == 20


def test_weeks_begin_on_mondays_and_the_ends_are_cut():
    span = range_between(date(2026, 1, 1), date(2026, 7, 1), zone=BERLIN)
    starts = [edge.astimezone(BERLIN) for edge in span.edges]
    assert span.step is Step.WEEK
    assert starts[0] == datetime(2026, 1, 1, tzinfo=BERLIN)
    assert starts[-1] == datetime(2026, 7, 2, tzinfo=BERLIN)
    assert all(start.weekday() == 0 and start.hour == 0 for start in starts[1:-1])


@pytest.mark.parametrize("zone", [UTC, BERLIN, LORD_HOWE, KATHMANDU])
@pytest.mark.parametrize("minute", [0, 14, 29, 44, 59])
def test_named_ranges_reach_from_a_whole_bucket_to_the_one_of_now(zone, minute):
    zone = zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")
    now = datetime(2026, 5, 20, 17, minute, 33, 123, tzinfo=UTC)
    hours, week, month = (range_named(name, zone=zone, now=now) for name in ("24h", "7d", "30d"))
    assert lengths_h(hours) == [1.0] * 24
    assert lengths_h(month) == [24.0] * 30
    assert 25 <= len(lengths_h(week)) <= 28
    today = now.astimezone(zone).date()
    assert (week.days, month.days) == (((today - timedelta(days=6)), today), (today - timedelta(days=29), today))
    for span in (hours, week, month):
        assert span.edges[-2] <= now < span.edges[-1]
        assert all(edge.minute % 15 == 0 and edge.second == 0 for edge in span.edges)
    assert hours.since.astimezone(zone).minute == 0


def test_what_is_no_range_says_why():
    with pytest.raises(ValueError, match="ends before it begins"):
        range_between(date(2026, 2, 2), date(2026, 2, 1), zone=BERLIN)
    with pytest.raises(ValueError, match=f"at most {DAYS_MAX} days"):
        range_between(date(2025, 1, 1), date(2026, 2, 1), zone=BERLIN)
    assert range_between(date(2024, 1, 1), date(2024, 12, 31), zone=BERLIN).until == midnight(date(2025, 1, 1), BERLIN)
