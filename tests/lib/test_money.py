"""No amount is ever rounded on its way in, and none is shown wrong to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from xroute.lib.money import nanousd_from_usd, usd_float, usd_from_nanousd, usd_text

AMOUNTS = st.integers(-(10**15), 10**15)


@given(AMOUNTS)
def test_nanousd_to_usd_and_back_is_exact(amount):
    assert nanousd_from_usd(usd_from_nanousd(amount)) == amount
    assert nanousd_from_usd(usd_text(amount)) == amount


@given(AMOUNTS)
def test_text_has_at_least_cents_and_no_needless_zeros(amount):
    fraction = usd_text(amount).partition(".")[2]
    assert 2 <= len(fraction) <= 9
    assert len(fraction) == 2 or not fraction.endswith("0")


@given(AMOUNTS)
def test_the_float_for_json_is_right_to_a_nano_usd(amount):
    assert abs(Decimal(usd_float(amount)) * 10**9 - amount) < Decimal("0.5")


@given(AMOUNTS, st.integers(1, 9))
def test_finer_than_a_nano_usd_is_refused(amount, digit):
    with pytest.raises(ValueError, match="whole number of nano-USD"):
        nanousd_from_usd(f"{usd_from_nanousd(amount):.9f}{digit}")


@pytest.mark.parametrize("value", ["", "five", "1,50", "NaN", "Infinity", "-inf", "0x10"])
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(ValueError, match="USD"):
        nanousd_from_usd(value)


def test_cents_for_people():
    assert [usd_text(n) for n in (1_500_000_000, 0, 1, -2_000_000_000)] == ["1.50", "0.00", "0.000000001", "-2.00"]
