"""The only place that talks to Stripe. Never inside a transaction; every write has an idempotency key.

Callers see our own types and errors (errors.py), never the library's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import requests
import stripe
from django.conf import settings
from django.db import connection
from stripe.params import CustomerCreateParams, RefundCreateParams, RefundListParams
from stripe.params.checkout import SessionCreateParams

from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused
from billing.stripe.reversal import StripeDispute, StripeRefund, dispute_parse, refund_parse
from billing.stripe.session import Session, session_parse


def payments_enabled() -> bool:
    """Whether this installation takes money: STRIPE_SECRET_KEY is set."""
    return bool(settings.STRIPE_SECRET_KEY)


def customer_create(*, workspace_id: int, name: str, email: str, idempotency_key: str) -> str:
    """The id of a customer at Stripe."""
    params: CustomerCreateParams = {"name": name, "metadata": {"workspace": str(workspace_id)}}
    if email:
        params["email"] = email
    with _calling() as client:
        made = client.v1.customers.create(params, {"idempotency_key": idempotency_key})
    return made.id


def session_create(
    *, payment_id: UUID, customer_id: str, amount_cents: int, product: str, page_url: str, idempotency_key: str
) -> tuple[str, str]:
    """(id, address) of a hosted page for one payment of `amount_cents` USD; people come back to `page_url`."""
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": str(payment_id),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {"currency": "usd", "unit_amount": amount_cents, "product_data": {"name": product}},
            }
        ],
        "adaptive_pricing": {"enabled": False},  # in USD, whatever the buyer's country
        "metadata": {"payment": str(payment_id)},
        "payment_intent_data": {"metadata": {"payment": str(payment_id)}},
        "success_url": f"{page_url}?from=stripe",
        "cancel_url": f"{page_url}?from=cancel",
    }
    with _calling() as client:
        made = client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
    if not made.url:
        raise StripeRefused("a session came without an address", status=200, code="no_url", param="")
    return made.id, made.url


def session_retrieve(session_id: str) -> Session:
    """The session as it is now."""
    with _calling() as client:
        found = client.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]})
    return session_parse(found.to_dict())


def refund_create(
    *, intent_id: str, amount_cents: int, refund_id: UUID, payment_id: UUID, idempotency_key: str
) -> StripeRefund:
    """Ask for a refund of part of a payment, and answer how it stands."""
    params: RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount_cents,
        "metadata": {"refund": str(refund_id), "payment": str(payment_id)},
        "expand": ["payment_intent"],
    }
    with _calling() as client:
        made = client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
    return refund_parse(made.to_dict())


def refund_retrieve(refund_id: str) -> StripeRefund:
    """The refund as it is now."""
    with _calling() as client:
        found = client.v1.refunds.retrieve(refund_id, {"expand": ["payment_intent"]})
    return refund_parse(found.to_dict())


def refunds_list(*, charge_id: str = "", intent_id: str = "") -> list[StripeRefund]:
    """All refunds of a charge or of a payment intent, newest first."""
    with _calling() as client:
        which: RefundListParams = {"charge": charge_id} if charge_id else {"payment_intent": intent_id}
        page = client.v1.refunds.list(which | {"limit": 100, "expand": ["data.payment_intent"]})
        return [refund_parse(found.to_dict()) for found in page.auto_paging_iter()]


def dispute_retrieve(dispute_id: str, *, asked_at: datetime) -> StripeDispute:
    """The dispute as it is now; `asked_at` is from before."""
    with _calling() as client:
        found = client.v1.disputes.retrieve(dispute_id, {"expand": ["payment_intent"]})
    return dispute_parse(found.to_dict(), asked_at=asked_at)


@contextmanager
def _calling() -> Iterator[stripe.StripeClient]:
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
