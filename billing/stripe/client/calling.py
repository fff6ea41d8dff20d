"""How Stripe is called: never inside a transaction, with its errors mapped once to ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import requests
import stripe
from django.conf import settings
from django.db import connection

from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused


def payments_enabled() -> bool:
    """Whether this installation takes money: STRIPE_SECRET_KEY is set."""
    return bool(settings.STRIPE_SECRET_KEY)


@contextmanager
def calling() -> Iterator[stripe.StripeClient]:
    if connection.in_atomic_block:
        raise RuntimeError("Stripe is never called inside a transaction.")
    if not payments_enabled():
        raise PaymentRefused("Payments are switched off here. Ask whoever runs this installation for credit.")
    try:
        yield _client(
            settings.STRIPE_SECRET_KEY,
            settings.STRIPE_API_BASE,
            settings.STRIPE_TIMEOUT_S,
            settings.STRIPE_RETRIES_MAX,
        )
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeDown(f"{type(error).__name__} at Stripe") from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        said = f"Stripe answered {status} ({error.code or type(error).__name__}, request {error.request_id})"
        if status >= 500 or status == 409:
            raise StripeDown(said) from error
        param = str(getattr(error, "param", None) or "")
        raise StripeRefused(
            f"{said}: {param or 'no parameter'}", status=status, code=error.code or "", param=param
        ) from error


@lru_cache(maxsize=4)
def _client(key: str, api_base: str, timeout_s: float, retries_max: int) -> stripe.StripeClient:
    session = None
    if api_base:  # the emulator on this machine: no proxy of the environment's in between
        session = requests.Session()
        session.trust_env = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": api_base} if api_base else None,
        http_client=stripe.RequestsClient(timeout=timeout_s, session=session),
        max_network_retries=retries_max,
    )
