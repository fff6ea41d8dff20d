"""Hosted payment pages."""

from uuid import UUID

from django.conf import settings
from stripe.params.checkout import SessionCreateParams

from billing.stripe.client.calling import calling
from billing.stripe.errors import StripeRefused
from billing.stripe.items import session_item
from billing.stripe.session import Session, session_parse


def session_create(
    *,
    payment_id: UUID,
    customer_id: str,
    amount_cents: int,
    fee_cents: int,
    save_card: bool,
    product: str,
    page_url: str,
    idempotency_key: str,
) -> tuple[str, str]:
    """(id, address) of a hosted page for `amount_cents` USD of credit and our fee, each a line of its own.

    People come back to `page_url`. With `save_card` the card is attached to the customer, for charges off-session.
    """
    items = [(product, amount_cents), *([("Top-up fee", fee_cents)] if fee_cents else [])]
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": str(payment_id),
        "line_items": [session_item(name, cents) for name, cents in items],
        "adaptive_pricing": {"enabled": False},  # in USD, whatever the buyer's country
        "metadata": {"payment": str(payment_id)},
        "payment_intent_data": {"metadata": {"payment": str(payment_id)}},
        "success_url": f"{page_url}?from=stripe",
        "cancel_url": f"{page_url}?from=cancel",
    }
    if save_card:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    if settings.XROUTE_STRIPE_TAX:
        params["automatic_tax"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
        params["billing_address_collection"] = "required"
        params["tax_id_collection"] = {"enabled": True}
    with calling() as client:
        made = client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
    if not made.url:
        raise StripeRefused("a session came without an address", status=200, code="no_url", param="")
    return made.id, made.url


def session_retrieve(session_id: str) -> Session:
    """The session as it is now."""
    with calling() as client:
        found = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent", "payment_intent.payment_method"]}
        )
    return session_parse(found.to_dict())


def session_expire(session_id: str, *, idempotency_key: str) -> None:
    """Close the page of an open session: it cannot be paid any more. Raises StripeRefused where it is not open."""
    with calling() as client:
        client.v1.checkout.sessions.expire(session_id, {}, {"idempotency_key": idempotency_key})
