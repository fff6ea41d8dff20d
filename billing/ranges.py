"""Ranges of time and their buckets, exactly in the viewer's zone: days of 23 and 25 hours, half-hour zones. Pure.

A bucket begins where the local clock enters a new step. Hours that the clock shows twice are two buckets, told apart
by their offset; six-hour parts, days and weeks are as long as the local calendar makes them. All edges lie on
quarters of an hour, as every zone's offset does, and so do rollups.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from billing.sums import QUARTER

DAYS_MAX = 366
FIRST_DAY = date(2020, 1, 1)
# A from-to range of at most so many days is shown in this step.
STEP_DAYS_MAX = ((2, "hour"), (14, "six_hours"), (92, "day"), (DAYS_MAX, "week"))
NAMES = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}


class Step(StrEnum):
    HOUR = "hour"
    SIX_HOURS = "six_hours"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Range:
    """`edges` (UTC) rise; bucket n is from edges[n] up to, not including, edges[n + 1]."""

    name: str
    zone: ZoneInfo
    step: Step
    edges: tuple[datetime, ...]

    @property
    def since(self) -> datetime:
        return self.edges[0]

    @property
    def until(self) -> datetime:
        return self.edges[-1]

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last local day."""
        last = self.until - timedelta(milliseconds=1)
        return self.since.astimezone(self.zone).date(), last.astimezone(self.zone).date()


def range_named(name: str, *, zone: ZoneInfo, now: datetime) -> Range:
    """24h: this hour and those of the 23 before; 7d and 30d: today and the days before."""
    if name == "24h":
        since = _start(_quarter(now) - timedelta(hours=23), zone, Step.HOUR)
        return Range(name, zone, Step.HOUR, _walk(since, _end(now, zone, Step.HOUR), zone, Step.HOUR))
    today = now.astimezone(zone).date()
    if name == "7d":
        since = midnight(today - timedelta(days=6), zone)
        return Range(name, zone, Step.SIX_HOURS, _walk(since, _end(now, zone, Step.SIX_HOURS), zone, Step.SIX_HOURS))
    return Range("30d", zone, Step.DAY, _by_date(today - timedelta(days=29), today, zone, Step.DAY))


def range_between(first: date, last: date, *, zone: ZoneInfo) -> Range:
    """From one local day through another. Raises ValueError, in words, where that is no range."""
    days = (last - first).days + 1
    if days < 1:
        raise ValueError("The range ends before it begins. Choose a later end.")
    if days > DAYS_MAX:
        raise ValueError(f"A range is at most {DAYS_MAX} days. Choose a shorter one.")
    step = Step(next(name for most, name in STEP_DAYS_MAX if days <= most))
    if step in (Step.DAY, Step.WEEK):
        edges = _by_date(first, last, zone, step)
    else:
        edges = _walk(midnight(first, zone), midnight(last + timedelta(days=1), zone), zone, step)
    return Range("custom", zone, step, edges)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which a local day begins, also where its clock leaves out or repeats midnight."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _by_date(first: date, last: date, zone: ZoneInfo, step: Step) -> tuple[datetime, ...]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    starts = [day for day in days if step is Step.DAY or day == first or day.weekday() == 0]
    edges = [midnight(day, zone) for day in (*starts, last + timedelta(days=1))]
    return tuple(dict.fromkeys(edges))  # a zone that crosses the date line leaves a day out


def _walk(since: datetime, until: datetime, zone: ZoneInfo, step: Step) -> tuple[datetime, ...]:
    edges, at = [since], since + QUARTER
    while at < until:
        if _key(at, zone, step) != _key(at - QUARTER, zone, step):
            edges.append(at)
        at += QUARTER
    return (*edges, until)


def _key(at: datetime, zone: ZoneInfo, step: Step) -> tuple[object, ...]:
    """What is the same for all moments of one bucket."""
    local = at.astimezone(zone)
    if step is Step.HOUR:
        return local.date(), local.hour, local.utcoffset()
    return local.date(), local.hour // 6


def _quarter(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


def _start(at: datetime, zone: ZoneInfo, step: Step) -> datetime:
    key = _key(at, zone, step)
    while _key(at - QUARTER, zone, step) == key:
        at -= QUARTER
    return at


def _end(now: datetime, zone: ZoneInfo, step: Step) -> datetime:
    at = _quarter(now)
    key = _key(at, zone, step)
    while _key(at, zone, step) == key:
        at += QUARTER
    return at
