"""Pots in memory: nothing is used twice, nothing is lost, and a hold ends once."""

from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st

from billing.reservations.pots import Pot, Pots, Want, grow

DAY = date(2026, 1, 1)
amounts = st.integers(0, 100)
steps = st.lists(
    st.tuples(st.sampled_from(["take", "grow", "consume", "end"]), amounts, st.integers(0, 5)), max_size=40
)


def keyed(full: int) -> Want:
    return Want(1, full, full, key_id=7, period=DAY)


def pots_with(held: int, key_held: int) -> Pots:
    pots = Pots(uuid4())
    pots.account(1).held = held
    pots.key(keyed(0)).held = key_held
    return pots


@given(amounts, amounts, steps)
def test_whatever_happens_what_is_held_is_used_free_or_consumed(held, key_held, steps):
    pots = pots_with(held, key_held)
    pot, key_pot, holds = pots.account(1), pots.key(keyed(0)), []
    for step, amount, number in steps:
        hold = holds[number % len(holds)] if holds else None
        if step == "take":
            taken = pots.take(keyed(amount), 0.0)
            holds += [taken] if taken else []
        elif hold is None or hold.ended:
            continue
        elif step == "grow":
            grow(hold, min(amount, pot.free), min(amount, key_pot.free), exposure=amount)
        elif step == "consume":
            hold.consume(amount)
        else:
            hold.end()
        running = [each for each in holds if not each.ended]
        assert pot.used == sum(each.amount for each in running) <= pot.held
        assert key_pot.used == sum(each.key_amount for each in running) <= key_pot.held
        assert pot.exposed == sum(each.exposure for each in running)
    for hold in holds:
        hold.end()
    assert (pot.used, key_pot.used, pot.exposed) == (0, 0, 0)
    assert pot.held == held - sum(hold.consumed for hold in holds) >= 0
    assert key_pot.held == key_held - sum(hold.key_consumed for hold in holds) >= 0


@given(amounts, amounts, amounts)
def test_a_hold_is_taken_whole_or_not_at_all(held, key_held, full):
    pots = pots_with(held, key_held)
    hold = pots.take(keyed(full), 0.0)
    assert (hold is not None) == (full <= held and full <= key_held)
    assert pots.account(1).used == (full if hold else 0)


def test_what_is_taken_counts_as_in_use_from_then_on():
    pots = pots_with(10, 10)
    hold = pots.take(keyed(6), 5.0)
    assert (hold.amount, hold.key_amount, hold.exposure, pots.account(1).exposed) == (6, 6, 0, 0)
    assert (pots.account(1).touched, pots.key(keyed(0)).touched) == (5.0, 5.0)


def test_a_pot_begins_with_nothing_and_a_want_asks_for_nothing_to_spare():
    assert Pots(uuid4()).account(1) == Pot(1, held=0, used=0, exposure=0, exposed=0)
    assert Want(1, 5, 5).spare == 0


@pytest.mark.parametrize(("cost", "left"), [(0, 10), (4, 6), (10, 0), (25, 0)])
def test_a_record_consumes_at_most_what_was_reserved(cost, left):
    pots = pots_with(10, 10)
    hold = pots.take(keyed(10), 0.0)
    assert hold.consume(cost) == (10 - left, 10 - left)
    hold.end()
    assert (pots.account(1).held, pots.account(1).free) == (left, left)


def test_a_second_record_and_a_second_end_find_nothing():
    pots = pots_with(10, 10)
    hold = pots.take(keyed(6), 0.0)
    assert hold.consume(4) == (4, 4)
    assert hold.consume(4) == (0, 0)
    hold.end()
    hold.end()
    assert (pots.account(1).held, pots.account(1).used) == (6, 0)


def test_a_record_after_the_release_consumes_nothing():
    pots = pots_with(10, 10)
    hold = pots.take(keyed(6), 0.0)
    hold.end()
    assert hold.consume(4) == (0, 0)
    assert pots.account(1).held == 10


def test_a_release_while_a_record_is_on_its_way_keeps_what_the_record_took():
    pots = pots_with(10, 10)
    hold = pots.take(keyed(6), 0.0)
    assert hold.consume(4) == (4, 4)
    hold.end()
    assert pots.account(1).held == 6


def test_each_period_of_a_key_has_a_pot_of_its_own():
    pots = Pots(uuid4())
    assert pots.key(keyed(0)) is pots.key(keyed(5))
    assert pots.key(keyed(0)) is not pots.key(Want(1, 0, 0, key_id=7, period=date(2026, 1, 2)))
    assert pots.key(Want(1, 0, 0)) is None
