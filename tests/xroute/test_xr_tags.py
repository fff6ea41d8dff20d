"""How pages write money, counts and times."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.middleware import zone
from xroute.templatetags import xr


@pytest.mark.parametrize(
    ("nanousd", "exact", "short"),
    [
        (0, "$0.00", "$0.00"),
        (1_500_000_000, "$1.50", "$1.50"),
        (-2_000_000_000, "−$2.00", "−$2.00"),
        (12_345_678_901_234, "$12345.678901234", "$12,345.68"),
        (12_300_000, "$0.0123", "$0.0123"),
        (120, "$0.00000012", "$0.000000120"),
        (None, "–", "–"),
    ],
)
def test_money(nanousd, exact, short):
    assert xr.usd(nanousd) == exact
    assert xr.usd_short(nanousd) == short


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
