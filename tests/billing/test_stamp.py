"""Promise 28: demo, test and live books never mix. The stamp is set once."""

import pytest
from django.db import connections

from billing.books import compare_stamp, stamp_books, stamp_of_mode
from tests.billing.books import djangos_own
from xroute.lib.env import BadSetting


@pytest.mark.parametrize(
    ("mode", "key", "livemode", "stamp"),
    [
        ("demo", "sk_test_emulator_x", False, "demo"),
        ("test", "sk_test_emulator_x", False, "test"),
        ("production", "", False, "live"),
        ("production", "sk_test_x", False, "test"),
        ("production", "rk_test_x", False, "test"),
        ("production", "sk_live_x", True, "live"),
    ],
)
def test_the_mode_and_the_stripe_key_make_the_stamp(settings, mode, key, livemode, stamp):
    settings.XROUTE_MODE, settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = mode, key, livemode
    assert stamp_of_mode() == stamp
    for other in {"demo", "test", "live"} - {stamp}:
        with pytest.raises(BadSetting, match=f"stamped '{other}'.*{stamp!r} process.*DATABASE_URL"):
            compare_stamp(other)
    compare_stamp(stamp)


def test_books_are_stamped_once_and_another_mode_is_refused(own_books, settings, django_db_blocker):
    own_books.plant("DELETE FROM billing_books")
    settings.STRIPE_SECRET_KEY = ""
    with django_db_blocker.unblock(), djangos_own(own_books):
        connections["default"].close()
        for mode in ("production", "production"):
            settings.XROUTE_MODE = mode
            stamp_books(using="default")
        assert own_books.sql("SELECT stamp FROM billing_books") == [("live",)]
        for mode in ("demo", "test"):
            settings.XROUTE_MODE = mode
            with pytest.raises(BadSetting, match="stamped 'live'"):
                stamp_books(using="default")
    assert own_books.sql("SELECT stamp FROM billing_books") == [("live",)]


def test_new_books_carry_the_stamp_of_their_mode(own_books):
    assert own_books.sql("SELECT stamp FROM billing_books") == [("test",)]
