"""Disputes: what the cardholder's bank took from us is taken from the workspace, by delta, until Stripe says it is won.

An inquiry takes nothing. Stripe is asked each time; of two answers, the one that was asked for later counts.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from billing.models import Dispute
from billing.reversals import TAKING, disputes_fit, payment_lock
from billing.stripe import client
from billing.stripe.dispute_mail import dispute_tell
from billing.stripe.owned import payment_of
from billing.stripe.reversal import StripeDispute

logger = logging.getLogger("xroute.billing")
INQUIRY = frozenset({"warning_needs_response", "warning_under_review"})
CLOSED = frozenset({"won", "lost", "warning_closed", "prevented", "charge_refunded"})


def dispute_changed(payload: Mapping[str, Any]) -> "partial[str]":
    """A dispute was opened, changed, closed, or its money moved; the event's object is the dispute."""
    asked_at = _database_now()
    found = client.dispute_retrieve(str(payload["data"]["object"]["id"]), asked_at=asked_at)
    what = f"dispute {found.id}"
    payment = payment_of(found.paid, what=what, currency=found.currency, livemode=found.livemode)
    return partial(dispute_apply, found, payment.pk)


def dispute_apply(found: StripeDispute, payment_id: UUID) -> str:
    """Bring a dispute and what it holds up to date, inside the caller's transaction; why it needs a person, or ""."""
    payment = payment_lock(payment_id)
    if found.status not in TAKING | INQUIRY | CLOSED:
        return f"dispute {found.id} has the unknown status {found.status!r}"
    row = Dispute.objects.select_for_update().filter(pk=found.id).first() or Dispute(pk=found.id, payment=payment)
    if row.payment_id != payment.pk:
        return f"dispute {found.id} was of payment {row.payment_id}, not {payment.pk}"
    if row.asked_at is not None and row.asked_at >= found.asked_at:
        return ""
    before, closed = row.status, found.status in CLOSED
    row.status, row.reason, row.amount_cents = found.status, found.reason, found.amount_cents
    row.evidence_due_at, row.asked_at = found.evidence_due_at, found.asked_at
    row.closed_at = (row.closed_at or Now()) if closed else None
    row.save()
    disputes_fit(payment)
    row.refresh_from_db()
    dispute_tell(payment=payment, dispute=row, before=before)
    return ""


def _database_now() -> datetime:
    """One clock for all processes that ask."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
