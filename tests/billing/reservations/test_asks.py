"""What is asked of the database, and what its answers do to the pots."""

import asyncio
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st

from billing.reservations.asks import Ask
from billing.reservations.pots import Hold, Pots, Refused, Want
from xroute.lib.pg import Outage

amounts = st.integers(0, 1000)


@st.composite
def asked(draw) -> Ask:
    """An ask whose pots have something already."""
    full = draw(amounts)
    want = Want(1, full, draw(st.integers(0, full)), draw(amounts), 7, date(2026, 1, 1))
    pots = Pots(uuid4())
    for pot in (pots.account(1), pots.key(want)):
        pot.held = draw(amounts)
        pot.used = draw(st.integers(0, pot.held))
    loop = asyncio.new_event_loop()
    answer = loop.create_future()
    loop.close()
    return Ask(want, Hold(pots.worker_id, want, pots.account(1), pots.key(want)), answer)


def state(ask: Ask) -> tuple[int, ...]:
    pot, key_pot = ask.hold.pot, ask.hold.key_pot
    return pot.held, pot.used, pot.exposure, pot.exposed, key_pot.held, key_pot.used


def granted(data, item: dict) -> dict:
    """Any grant that xr_hold may give: the whole and something to spare, or less with the rest exposed."""
    take = data.draw(st.integers(item["floor"], item["full"] + item["spare"]))
    expose = max(0, item["full"] - take)
    least = item["key_floor"] if expose else item["key_full"]
    return {"i": 0, "take": take, "expose": expose, "key_take": least + data.draw(st.integers(0, item["spare"]))}


@given(asked())
def test_what_is_asked_and_what_was_free_here_are_the_want(ask):
    free, key_free = ask.hold.pot.free, ask.hold.key_pot.free
    item = ask.item(3)
    assert item["i"] == 3
    assert item["full"] + item["have"] == ask.want.full
    assert item["floor"] + item["have"] == ask.want.floor
    assert item["key_full"] + item["key_have"] == ask.want.full
    assert min(item["full"], item["floor"], item["key_full"], item["key_floor"]) >= 0
    assert (ask.hold.pot.free, ask.hold.key_pot.free) == (free - item["have"], key_free - item["key_have"])


def made(*, free: int, key_free: int | None, full: int = 10, floor: int = 6) -> Ask:
    """An ask whose pots have so much free; without a key where that is None."""
    want = Want(1, full, floor, 0, None if key_free is None else 7, date(2026, 1, 1))
    pots = Pots(uuid4())
    pots.account(1).held, pots.account(1).used = free + 50, 50
    if (key_pot := pots.key(want)) is not None:
        key_pot.held, key_pot.used = key_free + 50, 50
    loop = asyncio.new_event_loop()
    answer = loop.create_future()
    loop.close()
    return Ask(want, Hold(pots.worker_id, want, pots.account(1), key_pot), answer)


@pytest.mark.parametrize(
    ("free", "key_free", "have", "key_have"),
    [(-1, -1, 0, 0), (0, 0, 0, 0), (5, 4, 5, 4), (6, 6, 6, 6), (7, 9, 6, 6), (3, None, 3, 0)],
)
def test_what_is_free_here_is_taken_up_to_the_floor(free, key_free, have, key_have):
    ask = made(free=free, key_free=key_free)
    item = ask.item(0)
    assert (item["have"], item["full"], item["floor"]) == (have, 10 - have, 6 - have)
    assert (item["key_have"], item["key_full"], item["key_floor"]) == (key_have, 10 - key_have, 6 - key_have)
    assert ask.hold.pot.used == 50 + have
    assert ask.hold.key_pot is None or ask.hold.key_pot.used == 50 + key_have


@pytest.mark.parametrize(("free", "key_take", "key_amount"), [(0, 0, 0), (0, 10, 8), (3, 4, 7), (3, 5, 8), (-2, 1, 0)])
def test_of_its_key_a_hold_takes_as_much_or_what_there_is(free, key_take, key_amount):
    ask = made(free=0, key_free=free, floor=0)
    ask.item(0)
    ask.apply({"i": 0, "take": 8, "expose": 2, "key_take": key_take})
    assert (ask.hold.amount, ask.hold.exposure, ask.hold.key_amount) == (8, 2, key_amount)
    assert ask.hold.key_pot.used == 50 + key_amount
    assert min(ask.hold.pot.touched, ask.hold.key_pot.touched) > 0


@pytest.mark.parametrize(("free", "key_free", "available", "key_left"), [(-1, -1, 5, 2), (3, 4, 8, 6), (1, 0, 6, 2)])
def test_a_refusal_counts_what_lies_free_here(free, key_free, available, key_left):
    ask = made(free=free, key_free=key_free)
    ask.item(0)
    ask.apply({"i": 0, "refused": "held", "available": 5, "posted": 9, "key_left": 2})
    assert (ask.answer.exception().available, ask.answer.exception().key_left) == (available, key_left)


@given(asked())
def test_undone_is_as_if_never_asked(ask):
    before = state(ask)
    ask.undo()
    assert state(ask) == before
    ask.item(0)
    ask.undo()
    assert state(ask) == before


@given(asked(), st.data())
def test_a_grant_covers_the_want_and_is_all_accounted_for(ask, data):
    held, used, exposure, exposed, key_held, _ = state(ask)
    result = granted(data, ask.item(0))
    ask.apply(result)
    hold = ask.hold
    assert ask.answer.done()
    assert hold.amount + hold.exposure == ask.want.full
    assert hold.amount >= ask.want.floor
    assert state(ask)[:2] == (held + result["take"], used + hold.amount)
    assert state(ask)[2:4] == (exposure + result["expose"], exposed + hold.exposure)
    assert hold.pot.free >= 0
    assert hold.key_pot.held == key_held + result["key_take"]
    assert hold.key_pot.free >= 0


@given(asked(), st.data())
def test_what_was_granted_to_one_who_is_gone_lies_free(ask, data):
    held, used, _, exposed, _, key_used = state(ask)
    result = granted(data, ask.item(0))
    ask.answer.cancel()
    ask.apply(result)
    assert (ask.hold.amount, ask.hold.exposure) == (0, 0)
    assert (ask.hold.pot.held, ask.hold.pot.used, ask.hold.pot.exposed) == (held + result["take"], used, exposed)
    assert ask.hold.key_pot.used == key_used


@given(asked())
def test_a_refusal_changes_nothing_and_says_what_there_is(ask):
    before, free, key_free = state(ask), ask.hold.pot.free, ask.hold.key_pot.free
    ask.item(0)
    ask.apply({"i": 0, "refused": "credits", "available": 5, "posted": 9, "key_left": 2})
    assert state(ask) == before
    refusal = ask.answer.exception()
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.posted) == ("credits", 9)
    assert (refusal.available, refusal.key_left) == (5 + free, 2 + key_free)


@given(asked(), st.data())
def test_a_hold_that_ended_meanwhile_does_not_grow(ask, data):
    used = ask.hold.pot.used
    ask.hold.end()
    ask.apply(granted(data, ask.item(0)))
    assert ask.hold.pot.used == used
    with pytest.raises(Outage):
        ask.answer.result()
