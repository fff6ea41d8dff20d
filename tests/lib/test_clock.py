"""Periods begin where people expect; the database's time does not jump with this machine's clock."""

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, strategies as st

from xroute.lib.clock import DatabaseClock, period_start

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("today", "reset", "start"),
    [
        ("2024-02-29", "daily", "2024-02-29"),
        ("2024-03-03", "weekly", "2024-02-26"),
        ("2024-03-04", "weekly", "2024-03-04"),
        ("2027-01-01", "weekly", "2026-12-28"),
        ("2024-02-29", "monthly", "2024-02-01"),
        ("2024-02-29", "never", "1970-01-01"),
    ],
)
def test_where_periods_begin(today, reset, start):
    assert period_start(date.fromisoformat(today), reset) == date.fromisoformat(start)


@given(DAYS, st.sampled_from(["daily", "weekly", "monthly", "never"]))
def test_a_period_begins_once_and_not_in_the_future(today, reset):
    start = period_start(today, reset)
    assert start <= today
    assert period_start(start, reset) == start


@given(DAYS)
def test_periods_are_no_longer_than_their_names(today):
    assert (today - period_start(today, "weekly")).days < 7
    assert (today - period_start(today, "monthly")).days < 31


def test_a_jump_of_the_wall_clock_moves_nothing(monkeypatch):
    clock = DatabaseClock()
    moment = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    clock.set(moment, sent=time.monotonic(), received=time.monotonic())
    real = time.time
    for jump in (3600, -3600):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        assert clock.today() == date(2026, 1, 1)
        assert abs(clock.now_ms() - moment * 1000) < 5000


def test_the_reading_is_taken_to_be_made_in_the_middle():
    clock = DatabaseClock()
    now = time.monotonic()
    clock.set(1000.0, sent=now - 1, received=now + 1)
    assert abs(clock.now_s() - 1000.0) < 0.5
