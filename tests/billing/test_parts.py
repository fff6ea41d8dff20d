"""Credit, fee and tax go back together, exactly, however a payment is cut up."""

import pytest
from hypothesis import given, strategies as st

from billing.parts import NANOUSD_PER_CENT as CENT, Parts, cents_within, parts_of, parts_sum

payments = st.builds(
    lambda credit, fee, tax: Parts(credit * CENT, fee * CENT, tax * CENT),
    st.integers(500, 50_000),
    st.integers(0, 3_000),
    st.integers(0, 9_000),
)


@given(whole=payments, data=st.data())
def test_the_sum_is_exact_at_every_step_and_the_whole_at_the_end(whole, data):
    taken, left = Parts(), whole.gross // CENT
    while left:
        cents = data.draw(st.integers(1, left)) if data.draw(st.booleans()) else left
        more = parts_of(whole=whole, taken=taken, gross=cents * CENT)
        assert more.gross == cents * CENT
        assert min(more.credit, more.fee, more.tax) >= 0
        taken, left = taken + more, left - cents
        assert taken.fee == whole.fee * taken.gross // whole.gross
        assert taken.tax == whole.tax * taken.gross // whole.gross
    assert taken == whole


@given(whole=payments, data=st.data())
def test_what_comes_back_in_between_changes_nothing_at_the_end(whole, data):
    rows: list[Parts] = []
    for _ in range(data.draw(st.integers(1, 12))):
        if rows and data.draw(st.booleans()):
            rows.pop(data.draw(st.integers(0, len(rows) - 1)))
        left = (whole.gross - parts_sum(rows).gross) // CENT
        if left:
            rows.append(parts_of(whole=whole, taken=parts_sum(rows), gross=data.draw(st.integers(1, left)) * CENT))
        assert parts_sum(rows).credit <= whole.credit
    taken = parts_sum(rows)
    assert taken + parts_of(whole=whole, taken=taken, gross=whole.gross - taken.gross) == whole


@given(whole=payments, data=st.data())
def test_the_most_that_takes_no_more_credit(whole, data):
    gone = data.draw(st.integers(0, whole.gross // CENT))
    taken = parts_of(whole=whole, taken=Parts(), gross=gone * CENT)
    credit = data.draw(st.integers(0, whole.credit))
    most = cents_within(whole=whole, taken=taken, credit=credit)
    assert parts_of(whole=whole, taken=taken, gross=most * CENT).credit <= credit
    if taken.gross + (most + 1) * CENT <= whole.gross:
        assert parts_of(whole=whole, taken=taken, gross=(most + 1) * CENT).credit > credit


def test_more_than_the_payment_is_refused():
    with pytest.raises(ValueError, match="more than the payment"):
        parts_of(whole=Parts(500 * CENT), taken=Parts(400 * CENT), gross=101 * CENT)
