"""The comparison finds every way in which three books can part, and nothing where they agree."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.books import Books
from tests.chaos.calls import Call
from tests.chaos.compare import borne_nanousd, compare
from tests.chaos.killer import Deed

ID = UUID(int=7)
PRICE = {"input": 500_000_000, "output": 1_500_000_000, "cached": 50_000_000, "reasoning": 1_500_000_000}
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 2, "reasoning_tokens": 0}
COST = 8 * 500 + 2 * 50 + 4 * 1500
SERVED = {
    "id": "up",
    "request_id": "r",
    "prefix": "a",
    "model": "m",
    "outcome": "complete",
    "started": 1.0,
    "ended": 2.0,
} | USAGE
RECORD = USAGE | {
    "id": ID,
    "request_id": "r",
    "upstream_id": "up",
    "basis": "reported",
    "reason": "",
    "late": False,
    "cost_nanousd": COST,
    "input": 500_000_000,
    "output": 1_500_000_000,
    "cached": 50_000_000,
    "reasoning": 1_500_000_000,
}


def call(outcome: str = "complete", **values: Any) -> Call:
    made = Call("r", "key", {"stream": True}, None, outcome=outcome, generation=f"gen-{ID.hex}", cost=COST / 1e9)
    return replace(made, **values)


def books(upstream: Any = (SERVED,), records: Any = (RECORD,)) -> Books:
    cost = sum(row["cost_nanousd"] for row in records)
    return Books(list(upstream), list(records), {("a", "m"): PRICE}, 1_000_000 - cost, cost)


def faults(calls: Any, found: Books, *deeds: Deed) -> list[str]:
    return compare(calls, found, deeds, 1_000_000)


def test_books_that_agree_have_no_fault():
    assert faults([call()], books()) == []


@pytest.mark.parametrize(
    ("calls", "found", "sentence"),
    [
        ([call()], books(records=[]), "ledger 0 times"),
        ([call()], books(records=[RECORD, RECORD | {"id": UUID(int=8)}]), "ledger 2 times"),
        ([call(generation="gen-other")], books(), "booked as"),
        ([call(cost=1.0)], books(), "told a cost"),
        ([call()], books(records=[RECORD | {"basis": "estimated"}]), "booked as estimated"),
        ([call()], books(records=[RECORD | {"completion_tokens": 5}]), "completion_tokens 5"),
        ([call()], books(records=[RECORD | {"cost_nanousd": COST + 1}]), "should cost"),
        ([call()], books(upstream=[]), "knows nothing"),
        ([call("left")], books(records=[RECORD | {"upstream_id": ""}]), "knows nothing"),
        ([call("left")], books(records=[RECORD | {"basis": "not_charged"}]), "is not charged"),
        ([call("left")], books(records=[RECORD | {"basis": "estimated", "completion_tokens": 9}]), "estimated at 9"),
        ([call("broken")], books(), "its worker was not killed"),
        ([call("running")], books(), "never ended"),
        ([call("refused", status=500, retry_after="1")], books(), "refused with 500"),
        ([call("refused", status=503)], books(), "refused with 503"),
        ([call("refused", status=401, retry_after="1")], books(), "refused with 401"),
        ([call("left")], books(records=[]), "in flight at no kill"),
    ],
)
def test_a_fault_is_named(calls, found, sentence):
    assert any(sentence in fault for fault in faults(calls, found)), faults(calls, found)


def test_a_request_that_was_left_before_it_was_read_may_be_booked_or_not_and_costs_no_house():
    unread = SERVED | {"outcome": "unread", "model": "", "prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}
    record = RECORD | {"basis": "estimated", "upstream_id": "", "completion_tokens": 0}
    assert faults([call("left")], books([unread], [record])) == []
    assert faults([call("left")], books([unread], [])) == []
    assert borne_nanousd(books([unread], [])) == 0


def test_a_balance_that_is_not_what_is_left_is_named():
    assert "balances" in faults([call()], replace(books(), posted=5))[0]


def test_a_kill_explains_what_it_had_in_flight_and_the_house_bears_it():
    victim = call("broken")
    found = books(records=[])
    assert faults([victim], found, Deed("kill-web", "web-1", 2.5, [victim])) == []
    assert borne_nanousd(found) == COST


def test_a_kill_explains_nothing_else():
    other = call("broken", request_id="other")
    assert faults([call("broken"), other], books(records=[]), Deed("kill-web", "web-1", 2.5, [other]))


@pytest.mark.parametrize(("at", "explained"), [(0.5, False), (1.5, True), (60.0, False)])
def test_a_client_that_left_is_explained_by_the_time_of_the_kill(at, explained):
    assert (faults([call("left")], books(records=[]), Deed("kill-web", "web-1", at)) == []) is explained
