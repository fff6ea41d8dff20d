"""Which Stripe this process may talk to: keys and mode must agree. Pure, but for the environment it reads.

Without STRIPE_SECRET_KEY payments are off. Demo and tests know the emulator on this machine only; production knows
Stripe itself only.
"""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from xroute.lib import env
from xroute.lib.env import BadSetting

EMULATOR_KEY = "sk_test_emulator_"
CHECKOUT_ORIGIN = "https://checkout.stripe.com"
KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_-]{16,}")
WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{16,}")
LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost):[0-9]{1,5}")
PLACEHOLDER = re.compile(r"\.\.\.|x{6}|placeholder|change|your[_-]|example|secret|<", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StripeKeys:
    """All empty where payments are off. `api_base` is empty where the library's own address is meant."""

    secret_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    api_base: str = ""

    @property
    def livemode(self) -> bool:
        return "_live_" in self.secret_key[:8]

    @property
    def checkout_origin(self) -> str:
        """Where the hosted payment page stands: a form of ours may lead there."""
        return (self.api_base or CHECKOUT_ORIGIN) if self.secret_key else ""


def read(mode: str) -> StripeKeys:
    """STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET (each also _FILE) and STRIPE_API_BASE. Raises BadSetting."""
    if not (os.environ.get("STRIPE_SECRET_KEY") or os.environ.get("STRIPE_SECRET_KEY_FILE")):
        return StripeKeys()
    key = env.secret("STRIPE_SECRET_KEY", length_min=24)
    api_base = env.text("STRIPE_API_BASE", "").rstrip("/")
    _check_key(key)
    (_check_production if mode == "production" else _check_emulator)(mode, key, api_base)
    return StripeKeys(key, _webhook_secret(), api_base)


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key) or PLACEHOLDER.search(key):
        raise BadSetting(
            "STRIPE_SECRET_KEY is no secret key of Stripe: it starts with sk_test_, sk_live_, rk_test_ or rk_live_. "
            "Copy it from Stripe's dashboard (Developers, API keys), or unset it: payments are off then."
        )


def _check_production(_mode: str, key: str, api_base: str) -> None:
    if api_base:
        raise BadSetting("STRIPE_API_BASE is set, and XROUTE_MODE is production. Unset it: it is for demo and tests.")
    if key.startswith(EMULATOR_KEY):
        raise BadSetting("STRIPE_SECRET_KEY is the demo's own, and XROUTE_MODE is production. Set Stripe's.")


def _check_emulator(mode: str, key: str, api_base: str) -> None:
    if key[3:8] == "live_":
        raise BadSetting(f"STRIPE_SECRET_KEY is a live key, and XROUTE_MODE is {mode}. Demo takes no real money.")
    if not key.startswith(EMULATOR_KEY):
        raise BadSetting(
            f"STRIPE_SECRET_KEY is a key of Stripe's, and XROUTE_MODE is {mode}, which pays at the emulator only. "
            "Unset it, or run with XROUTE_MODE=production and a database of its own."
        )
    if not LOCAL.fullmatch(api_base) or not urlsplit(api_base).port:
        raise BadSetting(
            f"STRIPE_API_BASE is {api_base!r}; in mode {mode} it must be the emulator's address on this machine, "
            "such as http://127.0.0.1:12111."
        )


def _webhook_secret() -> str:
    secret = env.secret("STRIPE_WEBHOOK_SECRET", length_min=22)
    if not WEBHOOK_SECRET.fullmatch(secret) or PLACEHOLDER.search(secret):
        raise BadSetting(
            "STRIPE_WEBHOOK_SECRET is not the signing secret of a webhook endpoint: it starts with whsec_. Add an "
            "endpoint at PUBLIC_URL/stripe/webhook in Stripe's dashboard and copy its secret."
        )
    return secret
