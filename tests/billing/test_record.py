"""A record takes whatever an upstream sends: clamped before, it goes into PostgreSQL, always."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import assume, example, given, settings, strategies as st
from psycopg.types.json import Jsonb

from billing.pricing import Usage
from billing.record import COST_MAX, MS_MAX, TOKENS_MAX, number, text
from tests.billing.parts import record
from xroute.lib.ids import new_id

# Every code point, lone surrogates and NUL too, as JSON strings with \ud800 and \u0000 bring them.
anything = st.text(st.characters(exclude_categories=()), max_size=300)
numbers = st.integers(-(10**40), 10**40) | st.sampled_from([0, 2**31, 2**63, -(2**63), 2**64])
usages = st.builds(Usage, numbers, numbers, numbers, numbers, numbers)
attempts = st.lists(
    st.dictionaries(
        st.sampled_from(["provider", "detail"]), anything | numbers | st.booleans() | st.none() | st.floats(0, 1)
    ),
    max_size=3,
)
strange = st.fixed_dictionaries(
    {
        "model": anything,
        "provider": anything,
        "upstream_id": anything,
        "finish_reason": anything,
        "reason": anything,
        "usage": usages,
        "cost": numbers,
        "house": numbers,
        "latency_ms": numbers,
        "first_byte_ms": numbers,
        "attempts": attempts,
    }
)


@given(anything, st.integers(1, 200))
def test_text_is_cut_and_can_be_written(value, length_max):
    found = text(value, length_max)
    assert len(found) <= length_max
    assert "\x00" not in found
    found.encode()
    if value.isascii() and "\x00" not in value:
        assert found == value[:length_max]


@given(numbers, st.integers(0, 2**62))
def test_numbers_stay_within_their_bounds(value, most):
    assert number(value, most) == min(max(value, 0), most)


@settings(max_examples=60)
@given(strange)
@example({"model": "\x00\ud800" * 300, "cost": 10**40, "usage": Usage(2**70, -5, 2**80, 2**80, 2**80)})
@example({"attempts": [{"provider": "a\x00b\udfff", "detail": 2**90}]})
def test_whatever_came_is_booked(books, values):
    account = books.account(COST_MAX)
    row = record(account, 0, **{name: value for name, value in values.items() if name != "cost"})
    row.cost = values.get("cost", 0)
    line = row.as_json(held=0, key_held=0)
    sent = orjson.loads(orjson.dumps([line]))
    books.sql("SELECT xr_meter_commit(%s, %s, %s)", (new_id(), new_id(), Jsonb(sent)), url=books.url)
    ((model, cost, prompt, latency),) = books.sql(
        "SELECT model, cost_nanousd, prompt_tokens, latency_ms FROM billing_usagerecord WHERE id = %s", (row.id,)
    )
    assert (model, cost) == (line["model"], number(row.cost, COST_MAX))
    assert 0 <= prompt <= TOKENS_MAX
    assert 0 <= latency <= MS_MAX
    assert books.balance(account)[0] == COST_MAX - cost


@given(usages)
def test_parts_of_the_prompt_and_the_answer_are_no_more_than_the_whole(usage):
    line = record(1, 0, usage=usage).as_json(held=0, key_held=0)
    assert min(line[name] for name in ("prompt", "completion", "cached", "cache_write", "reasoning")) >= 0
    assume(max(usage.prompt, usage.completion) <= TOKENS_MAX)
    assert line["cached"] + line["cache_write"] <= line["prompt"]
    assert line["reasoning"] <= line["completion"]


@pytest.mark.parametrize("at_ms", [0, 1_700_000_000_123, 4_102_444_800_000])
def test_a_records_time_is_the_one_in_its_id(at_ms):
    line = record(1, 0, id=new_id(at_ms)).as_json(held=1, key_held=2)
    assert datetime.fromisoformat(line["created_at"]) == datetime.fromtimestamp(at_ms / 1000, UTC)
    assert (line["held"], line["key_held"]) == (1, 2)
