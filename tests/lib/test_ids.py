"""Ids sort by time, carry their moment exactly, and are never the same."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, strategies as st

from xroute.lib import ids

MOMENTS = st.integers(0, 4_102_444_800_000)


@given(MOMENTS, MOMENTS)
def test_order_of_ids_is_order_of_time(a, b):
    first, second = ids.new_id(min(a, b)), ids.new_id(max(a, b))
    if a != b:
        assert first < second
        assert first.bytes < second.bytes


@given(MOMENTS)
def test_an_id_is_version_7_and_holds_its_moment_to_the_millisecond(ms):
    value = ids.new_id(ms)
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert ids.time_ms(value) == ms
    moment = ids.created_at(value)
    assert moment.tzinfo is UTC
    assert round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000) == ms
    assert moment.microsecond % 1000 == 0


@given(st.uuids())
def test_names_round_trip(value):
    assert ids.generation_id(ids.generation_name(value)) == value


@given(st.text(max_size=50))
def test_what_is_no_name_is_none(name):
    found = ids.generation_id(name)
    assert found is None or isinstance(found, UUID)


def test_near_misses_are_none():
    digits = ids.new_id().hex
    assert [ids.generation_id(n) for n in (digits, f"gen_{digits}", f"gen-{digits[:-1]}", f"gen-{'z' * 32}")] == [
        None
    ] * 4


def test_ids_of_one_moment_differ():
    assert len({ids.new_id(1) for _ in range(10_000)}) == 10_000
