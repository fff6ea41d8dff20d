"""Idle credit on its way back: exactly what no request uses, and put back where it was not given."""

from datetime import date
from uuid import uuid4

from hypothesis import given, strategies as st

from billing.reservations.gives import STALE_S, collect, drop_empty
from billing.reservations.pots import Pot, Pots

NOW, IDLE_S = 10_000.0, 10.0
TIMES_S = [0.0, 5.0, 10.0, 11.0, 59.0, 60.0, 61.0, 70.0, 71.0]
amounts = st.sampled_from([0, 0, 1, 2, 100])  # often none: each bound is met


@st.composite
def pot(draw, account: int) -> Pot:
    held, exposure = draw(amounts), draw(amounts)
    used, exposed = draw(st.integers(0, held)), draw(st.integers(0, exposure))
    return Pot(
        account,
        held,
        used,
        exposure,
        exposed,
        NOW - draw(st.sampled_from(TIMES_S)),
    )


@st.composite
def filled(draw) -> Pots:
    pots = Pots(uuid4())
    for account in (1, 2):
        pots.all["account", account, None] = draw(pot(account))
        pots.all["key", account * 10, date(2026, 1, account)] = draw(pot(account))
    return pots


recalls = st.sets(st.sampled_from([1, 2]))


@given(filled(), recalls)
def test_what_is_used_is_never_given(pots, recalled):
    before = {name: (each.used, each.exposed) for name, each in pots.all.items()}
    for give in collect(pots, now=NOW, idle_s=IDLE_S, recalled=recalled):
        assert give.spare or give.exposure
        assert (give.pot.free, give.pot.exposure - give.pot.exposed) == (0, 0)
    assert before == {name: (each.used, each.exposed) for name, each in pots.all.items()}
    assert all(each.free >= 0 and each.exposure >= each.exposed for each in pots.all.values())


@given(filled(), recalls)
def test_given_are_the_recalled_the_idle_and_the_long_unused(pots, recalled):
    due = {
        name
        for name, each in pots.all.items()
        if (each.free or each.exposure > each.exposed)
        and (
            each.account_id in recalled
            or (each.used == each.exposed == 0 and NOW - each.touched > IDLE_S)
            or NOW - each.touched > IDLE_S + STALE_S
        )
    }
    assert {give.name for give in collect(pots, now=NOW, idle_s=IDLE_S, recalled=recalled)} == due


@given(filled(), recalls)
def test_what_was_not_given_is_put_back(pots, recalled):
    before = {name: (each.held, each.exposure) for name, each in pots.all.items()}
    for give in collect(pots, now=NOW, idle_s=IDLE_S, recalled=recalled):
        give.undo()
    assert before == {name: (each.held, each.exposure) for name, each in pots.all.items()}


@given(filled())
def test_an_item_says_what_is_given(pots):
    for give in collect(pots, now=NOW, idle_s=IDLE_S, recalled={1, 2}):
        if give.name[0] == "key":
            assert give.item() == {"key": give.name[1], "period": give.name[2], "give_key": give.spare}
        else:
            assert give.item() == {"account": give.name[1], "give": give.spare, "give_exposure": give.exposure}


@given(filled())
def test_only_pots_that_hold_nothing_are_forgotten(pots):
    before = dict(pots.all)
    drop_empty(pots, now=NOW)
    for name, each in before.items():
        empty = not (each.held or each.used or each.exposure or each.exposed) and NOW - each.touched > STALE_S
        assert (name in pots.all) is not empty
