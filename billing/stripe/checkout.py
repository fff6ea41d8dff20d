"""Someone wants to pay: a row of ours first, then Stripe's page for it."""

import logging
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.installation import site
from accounts.models import User, Workspace
from billing.models import Payment, PaymentStatus, StripeCustomer
from billing.models.payments import NANOUSD_PER_CENT
from billing.stripe import client
from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused

logger = logging.getLogger("xroute.billing")
PAYMENT_PAGE = "/credits/payments/{}"
DOWN = "Stripe does not answer at the moment. Nothing was charged. Try again in a minute."
REFUSED = "Stripe did not take this payment. Nothing was charged. The operator of this installation has been told."


def checkout_start(*, workspace: Workspace, user: User, amount_cents: int) -> Payment:
    """A payment of `amount_cents` USD, with the `url` of Stripe's page; where that is empty, `error` says why.

    Raises PaymentRefused for an amount out of bounds, too many tries, or payments that are off.
    """
    low, high = settings.TOP_UP_CENTS_MIN, settings.TOP_UP_CENTS_MAX
    if not client.payments_enabled():
        raise PaymentRefused("Payments are switched off here. Ask whoever runs this installation for credit.")
    if isinstance(amount_cents, bool) or not isinstance(amount_cents, int) or not low <= amount_cents <= high:
        raise PaymentRefused(f"Choose an amount from {low / 100:,.2f} to {high / 100:,.2f} USD.")
    lately = Payment.objects.filter(workspace=workspace, created_at__gt=Now() - settings.STRIPE_CHECKOUTS_PERIOD)
    if lately.count() >= settings.STRIPE_CHECKOUTS_MAX:  # a little inexact under concurrency, which harms nobody
        raise PaymentRefused("Too many payments were started here within an hour. Try again later.")
    with transaction.atomic(durable=True):
        payment = Payment.objects.create(
            workspace=workspace,
            created_by=user,
            amount_cents=amount_cents,
            amount_nanousd=amount_cents * NANOUSD_PER_CENT,
            idempotency_key=uuid4(),
        )
    return checkout_open(payment=payment)


def checkout_open(*, payment: Payment) -> Payment:
    """Stripe's page for an open payment. Safe to repeat: it is the same page, however often it is asked for."""
    if payment.url or payment.status != PaymentStatus.OPEN:
        return payment
    try:
        try:
            session_id, url = _session(payment)
        except StripeRefused as error:
            if (error.code, error.param) != ("resource_missing", "customer"):
                raise
            StripeCustomer.objects.filter(workspace_id=payment.workspace_id).update(
                customer_id=None, idempotency_key=uuid4()
            )
            session_id, url = _session(payment)  # the customer was deleted in Stripe's dashboard
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


def _session(payment: Payment) -> tuple[str, str]:
    customer_id = _customer(payment)
    return client.session_create(
        payment_id=payment.pk,
        customer_id=customer_id,
        amount_cents=payment.amount_cents,
        product=f"{site().site_name} credit",
        page_url=site().public_url + PAYMENT_PAGE.format(payment.pk),
        idempotency_key=f"{payment.idempotency_key}:{customer_id}",
    )


def _customer(payment: Payment) -> str:
    """The workspace's customer at Stripe, made at its first payment."""
    row, _ = StripeCustomer.objects.get_or_create(
        workspace_id=payment.workspace_id, defaults={"idempotency_key": uuid4()}
    )
    if row.customer_id:
        return row.customer_id
    made = client.customer_create(
        workspace_id=payment.workspace_id,
        name=payment.workspace.name,
        email=payment.created_by.email if payment.created_by else "",
        idempotency_key=str(row.idempotency_key),
    )
    StripeCustomer.objects.filter(pk=row.pk, customer_id__isnull=True, idempotency_key=row.idempotency_key).update(
        customer_id=made
    )
    return made
