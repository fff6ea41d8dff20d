import pytest
from hypothesis import given, strategies as st

from routing.errors import UpstreamError
from routing.health import Health, Limits
from routing.types import Credential
from tests.routing.facts import endpoint

SERVER = UpstreamError("server", "no")
ONE = endpoint()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(clock)


def fail(health: Health, times: int = 1, error: UpstreamError = SERVER) -> None:
    for _ in range(times):
        health.failure(ONE.id, error)


def test_unknown_endpoints_are_in_service(health):
    assert health.available(ONE)
    assert health.acquire(ONE)
    assert health.back_in_s(ONE) == 0


def test_five_failures_in_a_row_put_it_out_for_30_s(health, clock):
    fail(health, 4)
    assert health.acquire(ONE)
    fail(health)
    assert not health.available(ONE)
    assert not health.acquire(ONE)
    assert health.back_in_s(ONE) == 30
    clock.now += 29.9
    assert not health.acquire(ONE)
    clock.now += 0.1
    assert health.available(ONE)


def test_a_success_between_starts_the_row_anew(health):
    fail(health, 4)
    health.success(ONE.id)
    fail(health, 4)
    assert health.available(ONE)


def test_half_of_twenty_within_ten_seconds_puts_it_out(health):
    for _ in range(9):
        health.success(ONE.id)
        fail(health)
    health.success(ONE.id)
    assert health.available(ONE)
    fail(health)
    assert not health.available(ONE)


def test_failures_of_long_ago_do_not_count(health, clock):
    for _ in range(40):
        health.success(ONE.id)
        fail(health)
        clock.now += 1.1
    assert health.available(ONE)


def test_one_probe_decides(health, clock):
    fail(health, 5)
    clock.now += 30
    assert health.acquire(ONE)
    assert not health.available(ONE)
    assert not health.acquire(ONE)
    health.success(ONE.id)
    assert health.acquire(ONE)
    assert health.acquire(ONE)


def test_a_failed_probe_puts_it_out_for_longer_up_to_a_limit(health, clock):
    fail(health, 5)
    for times in [*range(1, 10), 10, 10, 10]:
        wait_s = min(30 * times, 300)
        clock.now += wait_s - 0.01
        assert not health.acquire(ONE)
        clock.now += 0.01
        assert health.acquire(ONE)
        fail(health)


def test_after_recovery_the_first_ejection_is_short_again(health, clock):
    fail(health, 5)
    clock.now += 30
    health.acquire(ONE)
    fail(health)
    clock.now += 60
    health.acquire(ONE)
    health.success(ONE.id)
    fail(health, 5)
    assert health.back_in_s(ONE) == 30


def test_an_abandoned_probe_leaves_the_place_to_another(health, clock):
    fail(health, 5)
    clock.now += 30
    assert health.acquire(ONE)
    health.abandoned(ONE.id)
    assert health.acquire(ONE)


def test_a_probe_that_is_never_heard_of_again_does_not_block_for_ever(clock):
    health = Health(clock, Limits(probe_s=600))
    fail(health, 5)
    clock.now += 30
    assert health.acquire(ONE)
    clock.now += 600
    assert health.acquire(ONE)


def test_late_results_of_earlier_calls_change_nothing_while_it_is_out(health, clock):
    fail(health, 5)
    health.success(ONE.id)
    fail(health, 5)
    assert health.back_in_s(ONE) == 30


@pytest.mark.parametrize("kind", ["invalid_request", "context_length", "credential", "not_found", "rate_limited"])
def test_what_is_not_its_fault_does_not_count(health, kind):
    fail(health, 4)
    fail(health, 50, UpstreamError(kind, "no"))
    assert health.available(ONE)
    fail(health)
    assert not health.available(ONE)


@pytest.mark.parametrize("kind", ["server", "overloaded", "connect", "timeout", "cut", "too_large", "in_band"])
def test_what_is_its_fault_counts(health, kind):
    fail(health, 5, UpstreamError(kind, "no"))
    assert not health.available(ONE)


def test_a_recent_outage_is_remembered_for_30_s(health, clock):
    assert not health.recently_failed(ONE.id)
    fail(health)
    health.success(ONE.id)
    assert health.failed_within(ONE.id, 30)
    clock.now += 29
    assert health.recently_failed(ONE.id)
    clock.now += 1
    assert not health.recently_failed(ONE.id)


def test_credentials_take_turns_and_cool(health, clock):
    three = endpoint(credentials=tuple(Credential(name, name) for name in "abc"))
    assert [health.credential(three).id for _ in range(4)] == ["a", "b", "c", "a"]
    health.cool("b", 20)
    assert [health.credential(three).id for _ in range(3)] == ["c", "a", "c"]
    health.cool("a", 10)
    health.cool("c", 15)
    assert health.credential(three) is None
    assert not health.available(three)
    assert health.back_in_s(three) == 10
    clock.now += 10
    assert health.available(three)
    assert health.credential(three).id == "a"


def test_cooling_has_a_default_and_a_limit(health, clock):
    health.cool("one-a")
    assert health.back_in_s(ONE) == 5
    health.cool("one-a", 3600)
    assert health.back_in_s(ONE) == 60
    health.cool("one-a", -1)
    assert health.back_in_s(ONE) == 60


def test_no_credential_at_all_is_not_cooling(health):
    bare = endpoint(credentials=())
    assert health.available(bare)
    assert health.credential(bare) is None


def test_retries_are_a_fifth_of_the_traffic(health, clock):
    for _ in range(200):
        health.note_request()
    assert sum(health.may_retry() for _ in range(100)) == 40
    clock.now += 11
    assert sum(health.may_retry() for _ in range(100)) == 10


@given(st.lists(st.sampled_from(["acquire", "success", "failure", "abandoned", "wait"]), max_size=200))
def test_whatever_happens_it_comes_back(steps):
    clock = Clock()
    health = Health(clock)
    for step in steps:
        if step == "acquire":
            health.acquire(ONE)
        elif step == "failure":
            fail(health)
        elif step == "wait":
            clock.now += 7
        else:
            getattr(health, step)(ONE.id)
        assert health.back_in_s(ONE) <= 300
    clock.now += 601
    assert health.acquire(ONE)
    health.success(ONE.id)
    assert health.available(ONE)


def test_a_limit_on_one_model_leaves_the_credential_to_the_others(health):
    """Most providers limit by model: a 429 for one must not take the others out of service."""
    one, other = (
        endpoint(1, credentials=(Credential("shared", "s"),)),
        endpoint(2, credentials=(Credential("shared", "s"),)),
    )
    health.cool("shared", 20, endpoint_id=1)
    assert health.credential(one) is None
    assert not health.available(one)
    assert health.back_in_s(one) == 20
    assert health.credential(other) is not None
    assert health.back_in_s(other) == 0
