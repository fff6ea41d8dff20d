"""Limits of a key: fixed windows of a minute, decided in memory."""

import dataclasses
import time

import pytest
from hypothesis import given, strategies as st

from accounts.callers import Caller
from accounts.limits import Windows
from xroute.lib.errors import ApiError

PLAIN = Caller(
    1, 1, 1, "", "", None, "never", None, None, False, False, False, False, None, None, None, frozenset(), (), 0.0
)


def limited(**values) -> Caller:
    return dataclasses.replace(PLAIN, **values)


@pytest.fixture
def at(monkeypatch):
    """Set the wall clock."""
    monkeypatch.setattr(time, "time", lambda: 6000.0)
    return lambda moment: monkeypatch.setattr(time, "time", lambda: float(moment))


def refused(windows: Windows, caller: Caller) -> ApiError:
    with pytest.raises(ApiError) as caught:
        windows.enter(caller)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    return caught.value


def test_a_key_without_limits_is_not_counted():
    windows = Windows()
    assert windows.enter(PLAIN) == {}
    windows.leave(PLAIN)
    windows.note_tokens(PLAIN, 5)
    assert windows.counts == {}


def test_requests_are_counted_down_refused_and_free_again_in_the_next_minute(at):
    windows, caller = Windows(), limited(requests_per_minute=2)
    at(6000.5)
    assert [windows.enter(caller)["x-ratelimit-remaining-requests"] for _ in range(2)] == ["1", "0"]
    at(6045)
    error = refused(windows, caller)
    assert "2 requests a minute" in error.message
    assert 15 <= int(error.headers["Retry-After"]) <= 16
    assert error.headers["x-ratelimit-reset-requests"] == "15s"
    at(6060)
    windows.enter(caller)


def test_tokens_are_counted_when_they_are_known(at):
    windows, caller = Windows(), limited(tokens_per_minute=100)
    windows.enter(caller)
    windows.note_tokens(caller, 99)
    assert windows.enter(caller)["x-ratelimit-remaining-tokens"] == "1"
    windows.note_tokens(caller, 500)
    assert refused(windows, caller).headers["x-ratelimit-remaining-tokens"] == "0"


def test_parallel_requests_outlive_the_minute(at):
    windows, caller = Windows(), limited(parallel_requests=1)
    windows.enter(caller)
    at(6061)
    assert refused(windows, caller).headers["Retry-After"] in ("1", "2")
    windows.leave(caller)
    windows.enter(caller)


def test_a_refused_request_counts_nothing(at):
    windows, caller = Windows(), limited(requests_per_minute=1, parallel_requests=5)
    windows.enter(caller)
    for _ in range(3):
        refused(windows, caller)
    assert (windows.counts[1].requests, windows.counts[1].running) == (1, 1)


def test_what_others_counted_counts(at):
    windows, caller = Windows(), limited(requests_per_minute=10, tokens_per_minute=10, parallel_requests=10)
    count = windows.count(1)
    for part in ("others_requests", "others_tokens", "others_running"):
        setattr(count, part, 10)
        refused(windows, caller)
        setattr(count, part, 0)
    windows.enter(caller)


@given(st.lists(st.sampled_from(["enter", "leave"]), max_size=60), st.integers(1, 5))
def test_never_more_in_parallel_than_allowed_and_never_below_none(steps, most):
    windows, caller, running = Windows(), limited(parallel_requests=most), 0
    for step in steps:
        if step == "leave":
            windows.leave(caller)
            running = max(0, running - 1)
            continue
        try:
            windows.enter(caller)
            running += 1
        except ApiError:
            assert running == most
    assert windows.count(1).running == running


def test_the_installations_limits_are_those_of_keys_without_their_own(at):
    windows = Windows(requests_per_minute=2, tokens_per_minute=100)
    headers = windows.enter(PLAIN)
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("2", "1")
    assert (headers["x-ratelimit-limit-tokens"], headers["x-ratelimit-remaining-tokens"]) == ("100", "100")
    windows.note_tokens(PLAIN, 40)
    assert windows.enter(PLAIN)["x-ratelimit-remaining-tokens"] == "60"
    assert "2 requests a minute" in refused(windows, PLAIN).message
    own = limited(key_id=2, requests_per_minute=5)
    assert windows.enter(own)["x-ratelimit-limit-requests"] == "5"
    windows.leave(PLAIN)
    windows.leave(PLAIN)
    assert windows.counts[1].running == 0
