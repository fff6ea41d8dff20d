"""Someone wants to pay: a row of ours first, then Stripe's page for it."""

import logging
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.installation import site
from accounts.models import User, Workspace
from billing.fees import top_up_fee
from billing.models import Payment, PaymentOrigin, PaymentStatus
from billing.parts import NANOUSD_PER_CENT
from billing.stripe import client
from billing.stripe.cards import customer_forget, customer_gone
from billing.stripe.customer import customer_ensure
from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused
from billing.workspaces import WorkspaceClosed, workspace_open_ensure
from xroute.lib.money import cents_words

logger = logging.getLogger("xroute.billing")
PAYMENT_PAGE = "/credits/payments/{}"
DOWN = "Stripe does not answer at the moment. Nothing was charged. Try again in a minute."
REFUSED = "Stripe did not take this payment. Nothing was charged. The operator of this installation has been told."


def checkout_start(*, workspace: Workspace, user: User, amount_cents: int, save_card: bool = False) -> Payment:
    """A payment of `amount_cents` USD of credit, with the `url` of Stripe's page; where that is empty, `error` says
    why. With `save_card` the card that pays is kept for next time and for auto top-up.

    Raises PaymentRefused for an amount out of bounds, too many tries, or payments that are off.
    """
    low, high = settings.TOP_UP_CENTS_MIN, settings.TOP_UP_CENTS_MAX
    if not client.payments_enabled():
        raise PaymentRefused("Payments are switched off here. Ask whoever runs this installation for credit.")
    if isinstance(amount_cents, bool) or not isinstance(amount_cents, int) or not low <= amount_cents <= high:
        raise PaymentRefused(f"Choose an amount from {cents_words(low)} to {cents_words(high)}.")
    lately = Payment.objects.filter(workspace=workspace, created_at__gt=Now() - settings.STRIPE_CHECKOUTS_PERIOD)
    if lately.count() >= settings.STRIPE_CHECKOUTS_MAX:  # a little inexact under concurrency, which harms nobody
        raise PaymentRefused("Too many payments were started here within an hour. Try again later.")
    with transaction.atomic(durable=True):
        payment = Payment.objects.create(
            workspace=workspace,
            created_by=user,
            amount_cents=amount_cents,
            amount_nanousd=amount_cents * NANOUSD_PER_CENT,
            fee_cents=top_up_fee().cents(amount_cents),
            save_card=save_card,
            idempotency_key=uuid4(),
        )
        _open_ensure(workspace)
    return checkout_open(payment=payment)


def _open_ensure(workspace: Workspace) -> None:
    try:
        workspace_open_ensure(workspace_id=workspace.pk)
    except WorkspaceClosed as error:
        raise PaymentRefused(str(error)) from error


def checkout_open(*, payment: Payment) -> Payment:
    """Stripe's page for an open payment. Safe to repeat: it is the same page, however often it is asked for."""
    if payment.url or payment.status != PaymentStatus.OPEN or payment.origin != PaymentOrigin.CHECKOUT:
        return payment
    try:
        customer_id = customer_ensure(payment=payment)
        try:
            session_id, url = _session(payment, customer_id)
        except StripeRefused as error:
            if not customer_gone(error):
                raise
            customer_forget(workspace_id=payment.workspace_id, customer_id=customer_id)  # deleted in the dashboard
            session_id, url = _session(payment, customer_ensure(payment=payment))
    except StripeDown as error:
        logger.warning("payment %s: %s", payment.pk, error)
        return _note(payment, error=DOWN)
    except StripeRefused as error:
        logger.error("ALERT payment %s: %s", payment.pk, error)
        return _note(payment, error=REFUSED, status=PaymentStatus.FAILED)
    return _note(payment, session_id=session_id, url=url, error="")


def _note(payment: Payment, **values: str) -> Payment:
    """Nobody else may have moved it on meanwhile: then theirs stands."""
    Payment.objects.filter(pk=payment.pk, status=PaymentStatus.OPEN, session_id__isnull=True).update(**values)
    payment.refresh_from_db()
    return payment


def _session(payment: Payment, customer_id: str) -> tuple[str, str]:
    return client.session_create(
        payment_id=payment.pk,
        customer_id=customer_id,
        amount_cents=payment.amount_cents,
        fee_cents=payment.fee_cents,
        save_card=payment.save_card,
        product=f"{site().site_name} credit",
        page_url=site().public_url + PAYMENT_PAGE.format(payment.pk),
        idempotency_key=f"{payment.idempotency_key}:{customer_id}",
    )
