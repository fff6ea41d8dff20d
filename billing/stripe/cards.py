"""The saved card: kept by choice when a payment was made with it, changed as Stripe says, removed on demand."""

import logging
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from billing.models import AutoTopUp, StripeCustomer
from billing.stripe import client
from billing.stripe.card import Card
from billing.stripe.errors import PaymentRefused, StripeError, StripeRefused

logger = logging.getLogger("xroute.billing")
CLOSED_MAX = 50
NO_CARD = {"payment_method_id": "", "card_brand": "", "card_last4": "", "card_expires": ""}


def card_keep(*, workspace_id: int, customer_id: str, card: Card) -> bool:
    """Whether this is the card now: it must be attached to the workspace's own customer, in our own mode."""
    if card.livemode != settings.STRIPE_LIVEMODE or not customer_id or card.customer_id != customer_id:
        return False
    kept = StripeCustomer.objects.filter(workspace_id=workspace_id, customer_id=customer_id)
    return bool(kept.update(payment_method_id=card.id, **_shown(card)))


def card_refresh(card: Card) -> str:
    """What Stripe says of a card now: a new expiry, or that it is attached to nobody any more."""
    rows = StripeCustomer.objects.filter(payment_method_id=card.id)
    if card.livemode == settings.STRIPE_LIVEMODE and card.customer_id:
        rows.filter(customer_id=card.customer_id).update(**_shown(card))
    else:
        rows.update(**NO_CARD)
    return ""


def _shown(card: Card) -> dict[str, str]:
    return {"card_brand": card.brand, "card_last4": card.last4, "card_expires": card.expires}


def card_remove(*, workspace_id: int) -> None:
    """Stop auto top-up, have Stripe forget every card of this workspace, and only then forget it here.

    Raises StripeError: then the card is still there, and auto top-up is off.
    """
    with transaction.atomic(durable=True):
        AutoTopUp.objects.filter(workspace_id=workspace_id).update(enabled=False)
    row = StripeCustomer.objects.filter(workspace_id=workspace_id, customer_id__isnull=False).first()
    if row is None or row.customer_id is None:
        return
    try:
        for method_id in client.payment_methods(customer_id=row.customer_id):
            _detach(method_id)
    except StripeRefused as error:
        if not customer_gone(error):
            raise
    # Only the card that was there when this began: one saved meanwhile was saved by choice.
    StripeCustomer.objects.filter(pk=row.pk, payment_method_id=row.payment_method_id).update(**NO_CARD)


def closed_cards_remove(*, workspace_id: int | None = None) -> int:
    """Have Stripe forget the cards of closed workspaces; what fails, the sweep tries again. How many were tried."""
    rows = StripeCustomer.objects.filter(workspace__closed_at__isnull=False).exclude(payment_method_id="")
    ids = rows.filter(workspace_id=workspace_id) if workspace_id else rows
    tried = 0
    for closed_id in ids.values_list("workspace_id", flat=True)[:CLOSED_MAX]:
        tried += 1
        try:
            card_remove(workspace_id=closed_id)
        except (StripeError, PaymentRefused) as error:
            logger.warning("the card of closed workspace %s is not removed yet: %s", closed_id, error)
    return tried


def _detach(method_id: str) -> None:
    """Confirmed by Stripe's answer, or by asking what is true."""
    try:
        client.payment_method_detach(method_id)
    except StripeRefused:
        card = client.card_retrieve(method_id)
        if card is None or card.customer_id:
            raise


def customer_gone(error: StripeRefused) -> bool:
    """Whether Stripe refused because it has no such customer (any more)."""
    return (error.code, error.param) == ("resource_missing", "customer")


def customer_forget(*, workspace_id: int, customer_id: str) -> None:
    """The customer was deleted at Stripe, and its cards with it; the next payment makes another. Once, also at once."""
    rows = StripeCustomer.objects.filter(workspace_id=workspace_id, customer_id=customer_id)
    rows.update(customer_id=None, idempotency_key=uuid4(), details_sent_at=None, **NO_CARD)
