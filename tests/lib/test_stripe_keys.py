"""Promise 28 for Stripe: empty and placeholder secrets refuse to start, and keys never cross modes."""

import pytest

from xroute.lib import stripe_keys
from xroute.lib.env import BadSetting

EMULATOR = stripe_keys.EMULATOR_KEY + "k" * 32
TEST, LIVE = "sk_test_" + "k" * 32, "sk_live_" + "k" * 32
SECRET, BASE = "whsec_" + "k" * 32, "http://127.0.0.1:12111"
NAMES = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")


def read(monkeypatch, mode: str, *values: str) -> stripe_keys.StripeKeys:
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.setenv(name, value)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return stripe_keys.read(mode)


@pytest.mark.parametrize("mode", ["production", "demo", "test"])
def test_without_a_key_payments_are_off(monkeypatch, mode):
    found = read(monkeypatch, mode, "", "", "")
    assert (found.secret_key, found.webhook_secret, found.checkout_origin) == ("", "", "")


@pytest.mark.parametrize(
    ("mode", "key", "base", "live", "origin"),
    [
        ("production", LIVE, "", True, "https://checkout.stripe.com"),
        ("production", TEST, "", False, "https://checkout.stripe.com"),
        ("production", "rk_live_" + "k" * 32, "", True, "https://checkout.stripe.com"),
        ("demo", EMULATOR, BASE, False, BASE),
        ("test", EMULATOR, BASE, False, BASE),
    ],
)
def test_good_keys(monkeypatch, mode, key, base, live, origin):
    found = read(monkeypatch, mode, key, SECRET, base)
    assert (found.secret_key, found.livemode, found.checkout_origin) == (key, live, origin)
    assert key not in repr(found)
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("mode", "key", "base", "said"),
    [
        ("demo", LIVE, BASE, "Demo takes no real money"),
        ("test", LIVE, BASE, "is a live key"),
        ("demo", "rk_live_" + "k" * 32, BASE, "is a live key"),
        ("demo", TEST, BASE, "pays at the emulator only"),
        ("test", TEST, BASE, "pays at the emulator only"),
        ("demo", EMULATOR, "", "must be the emulator's address"),
        ("demo", EMULATOR, "https://api.stripe.com", "must be the emulator's address"),
        ("demo", EMULATOR, "http://127.0.0.1:1@evil.example:80", "must be the emulator's address"),
        ("test", EMULATOR, "http://192.0.2.1:80", "must be the emulator's address"),
        ("production", LIVE, BASE, "STRIPE_API_BASE is set"),
        ("production", TEST, "https://api.stripe.com", "STRIPE_API_BASE is set"),
        ("production", EMULATOR, "", "the demo's own"),
        ("production", "pk_live_" + "k" * 32, "", "no secret key of Stripe"),
        ("production", "sk_live_" + "x" * 32, "", "no secret key of Stripe"),
        ("production", "sk_test_your_key_from_stripe_here", "", "no secret key of Stripe"),
        ("production", "sk_live_short", "", "has 13 characters"),
        ("production", "changeme" + "k" * 32, "", "placeholder"),
    ],
)
def test_wrong_keys_are_refused_without_showing_them(monkeypatch, mode, key, base, said):
    with pytest.raises(BadSetting, match=said) as caught:
        read(monkeypatch, mode, key, SECRET, base)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "secret",
    ["", "   ", "whsec_", "whsec_...", "whsec_" + "x" * 32, "k" * 40, "whsec_" + "your_secret" * 3, "changeme" * 5],
)
def test_a_key_without_a_webhook_secret_is_refused(monkeypatch, secret):
    with pytest.raises(BadSetting, match="STRIPE_WEBHOOK_SECRET"):
        read(monkeypatch, "production", LIVE, secret, "")


def test_both_may_come_from_files(monkeypatch, tmp_path):
    for name, value in (("STRIPE_SECRET_KEY", LIVE), ("STRIPE_WEBHOOK_SECRET", SECRET)):
        (tmp_path / name).write_text(value + "\n")
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    monkeypatch.delenv("STRIPE_API_BASE", raising=False)
    found = stripe_keys.read("production")
    assert (found.secret_key, found.webhook_secret, found.livemode) == (LIVE, SECRET, True)


def test_an_empty_key_file_is_refused_and_not_off(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("")
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    monkeypatch.setenv("STRIPE_SECRET_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(BadSetting, match="STRIPE_SECRET_KEY is missing or empty"):
        stripe_keys.read("production")
