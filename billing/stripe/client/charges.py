"""Charges to a saved card, and the card itself."""

from uuid import UUID

import stripe
from stripe.params import (
    PaymentIntentCreateParams,
)

from billing.stripe.card import Card, card_parse
from billing.stripe.client.calling import calling
from billing.stripe.errors import StripeDown, StripeRefused
from billing.stripe.intent import Intent, intent_parse


def intent_charge(
    *, payment_id: UUID, customer_id: str, payment_method_id: str, total_cents: int, idempotency_key: str
) -> str:
    """Charge a saved card while nobody is there; the id of the intent, whatever became of it, also where the bank
    declined. Safe to repeat with the same values: it is the same charge.
    """
    params: PaymentIntentCreateParams = {
        "amount": total_cents,
        "currency": "usd",
        "customer": customer_id,
        "payment_method": payment_method_id,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "metadata": {"payment": str(payment_id)},
    }
    with calling() as client:
        try:
            return client.v1.payment_intents.create(params, {"idempotency_key": idempotency_key}).id
        except stripe.IdempotencyError as error:
            raise StripeDown("another call was made under this key: what came of it is unknown") from error
        except stripe.CardError as error:
            intent = error.error and error.error.payment_intent
            if not intent:
                raise
            return intent.id


def intent_retrieve(intent_id: str) -> Intent:
    """The payment intent as it is now."""
    with calling() as client:
        found = client.v1.payment_intents.retrieve(intent_id, {"expand": ["payment_method"]})
    return intent_parse(found.to_dict())


def card_retrieve(payment_method_id: str) -> Card | None:
    """A saved card as Stripe knows it now; None for a payment method of another type."""
    with calling() as client:
        found = client.v1.payment_methods.retrieve(payment_method_id)
    return card_parse(found.to_dict())


def payment_methods(*, customer_id: str) -> list[str]:
    """The ids of whatever a customer may be charged by."""
    with calling() as client:
        listed = client.v1.payment_methods.list({"customer": customer_id, "limit": 100})
        return [method.id for method in listed.auto_paging_iter()]


def payment_method_detach(payment_method_id: str) -> None:
    """Have Stripe forget it: it can never be charged again."""
    with calling() as client:
        found = client.v1.payment_methods.detach(payment_method_id)
    if found.customer:
        raise StripeRefused("a payment method is still attached", status=200, code="still_attached", param="")
