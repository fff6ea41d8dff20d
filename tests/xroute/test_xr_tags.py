"""How pages write money, counts and times."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given, strategies as st

from accounts.middleware import zone
from xroute.templatetags import xr


@pytest.mark.parametrize(
    ("nanousd", "exact", "balance", "cost"),
    [
        (0, "$0.00", "$0.00", "$0.00"),
        (1_500_000_000, "$1.50", "$1.50", "$1.50"),
        (-2_000_000_000, "−$2.00", "−$2.00", "−$2.00"),
        (12_345_678_901_234, "$12,345.678901234", "$12,345.67", "$12,345.68"),
        (12_300_000, "$0.0123", "$0.0123", "$0.0123"),
        (120, "$0.00000012", "$0.000000120", "$0.000000120"),
        (20_999_800_000, "$20.9998", "$20.99", "$21.00"),
        (999_800_000, "$0.9998", "$0.999", "$1.00"),
        (99_990_000, "$0.09999", "$0.0999", "$0.100"),
        (-999_800_000, "−$0.9998", "−$1.00", "−$1.00"),
        (-20_990_100_000, "−$20.9901", "−$21.00", "−$20.99"),
        (None, "–", "–", "–"),
    ],
)
def test_money(nanousd, exact, balance, cost):
    assert xr.usd(nanousd) == exact
    assert xr.usd_short(nanousd) == balance
    assert xr.cost_short(nanousd) == cost


AMOUNTS = st.integers(-(10**15), 10**15) | st.integers(-(10**10), 10**10)


def read(text: str) -> Decimal:
    """Nano-USD of an amount as a page writes it."""
    return Decimal(text.replace("−", "-").replace("$", "").replace(",", "")) * 10**9


@given(AMOUNTS)
def test_a_balance_never_shows_more_than_there_is(amount):
    shown = read(xr.usd_short(amount))
    assert shown <= amount
    assert amount - shown < max(abs(amount) // 100, 10_000_000)


@given(AMOUNTS)
def test_a_cost_is_shown_to_the_nearest_cent_or_third_digit(amount):
    off = abs(read(xr.cost_short(amount)) - amount)
    assert off <= (5_000_000 if abs(amount) >= 10**9 else abs(amount) / Decimal(200))


@given(AMOUNTS)
def test_an_exact_amount_is_exact_with_its_thousands_apart(amount):
    assert read(xr.usd(amount)) == amount
    assert re.fullmatch(r"−?\$\d{1,3}(,\d{3})*\.\d{2,9}", xr.usd(amount))


def test_counts():
    assert [xr.compact(n) for n in (0, 999, 1000, 128_000, 1_048_576, 3_000_000_000)] == [
        "0",
        "999",
        "1k",
        "128k",
        "1.05M",
        "3B",
    ]
    assert xr.count(1234567) == "1,234,567"


def test_a_time_is_written_in_the_viewers_zone():
    with timezone.override(zone("Asia/Kathmandu")):
        assert ">1 Feb 2024<" in xr.moment(datetime(2024, 1, 31, 18, 30, tzinfo=UTC))
    assert zone("No/Where").key == "UTC"


def test_icons_say_nothing_to_a_screen_reader():
    assert 'aria-hidden="true"' in xr.icon("key")
