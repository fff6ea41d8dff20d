"""A receipt for each paid payment, numbered without gaps (R-2026-000001), with a copy of who sold and who bought.

It is made right after the payment is settled, in a transaction of its own, or by the sweep: no paper may stand in the
way of credit.
"""

import json
import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from billing.models import Payment, PaymentStatus, Receipt, Refund
from billing.notices import link, mails_write, payer_addresses
from billing.papers.parties import buyer, seller
from xroute.lib.money import usd_text

logger = logging.getLogger("xroute.billing")
SWEEP_MAX = 200
MAILED_WITHIN = timedelta(days=1)  # receipts of long ago are made quietly
LOCK = "SELECT pg_advisory_xact_lock(hashtext('xroute receipt numbers'))"
# Under the lock, and in a statement after it, so that it sees the last number. A clock that went back repeats no year.
NUMBER = """
INSERT INTO billing_receipt (number, payment_id, details, created_at)
SELECT format('R-%%s-%%s', n.year, lpad(n.number::text, 6, '0')), %(payment)s, %(details)s, clock_timestamp()
  FROM (SELECT CASE WHEN last.year >= this.year THEN last.year ELSE this.year END AS year,
               CASE WHEN last.year >= this.year THEN last.number + 1 ELSE 1 END AS number
          FROM (SELECT extract(year FROM clock_timestamp() AT TIME ZONE 'UTC')::int AS year) this
          LEFT JOIN (SELECT substring(number FROM 3 FOR 4)::int AS year, substring(number FROM 8)::bigint AS number
                       FROM billing_receipt ORDER BY id DESC LIMIT 1) last ON true) n
ON CONFLICT (payment_id) DO NOTHING"""


def receipt_issue(*, payment: Payment) -> Receipt:
    """The receipt of a paid payment: made with the next number and mailed, the first time; then always the same."""
    found = Receipt.objects.filter(payment=payment).first()
    if found is not None:
        return found
    with transaction.atomic():
        payment = Payment.objects.select_related("workspace", "created_by").get(pk=payment.pk)
        if payment.status != PaymentStatus.PAID:
            raise ValueError(f"payment {payment.pk} is {payment.status}: it has no receipt")
        details = {"seller": seller(), "buyer": buyer(payment.workspace), "paid_by": payment.paid_by}
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
            cursor.execute(NUMBER, {"payment": payment.pk, "details": json.dumps(details)})
            made = cursor.rowcount == 1
        receipt = Receipt.objects.get(payment=payment)
        if made and payment.paid_at is not None and payment.paid_at > timezone.now() - MAILED_WITHIN:
            _mail(payment, receipt)
    return receipt


def receipt_issue_soon(*, payment: Payment) -> None:
    """Once the current transaction is committed; what goes wrong then is for the sweep, and harms nobody."""
    transaction.on_commit(lambda: receipt_issue(payment=payment), robust=True)


def receipts_sweep() -> int:
    """Receipts that are missing, in the order of payment; how many were made."""
    missing = Payment.objects.filter(status=PaymentStatus.PAID, receipt=None).order_by("paid_at", "id")
    made = 0
    for payment in missing[:SWEEP_MAX]:
        try:
            receipt_issue(payment=payment)
            made += 1
        except Exception as error:  # one that cannot be made must not stop the others
            logger.error("ALERT payment %s has no receipt: %s: %s", payment.pk, type(error).__name__, error)
    return made


def receipts_of(*, workspace_id: int) -> "QuerySet[Receipt]":
    """A workspace's receipts with their payments and the credit notes of these, newest first."""
    found = Receipt.objects.filter(payment__workspace_id=workspace_id).select_related("payment").order_by("-id")
    refunds = Refund.objects.filter(credit_note__isnull=False).select_related("credit_note").order_by("id")
    return found.prefetch_related(Prefetch("payment__refunds", refunds, to_attr="noted"))


def receipt_get(*, workspace_id: int, number: str) -> Receipt | None:
    """A receipt of this workspace; another's is not found."""
    return receipts_of(workspace_id=workspace_id).filter(number=number).first()


def _mail(payment: Payment, receipt: Receipt) -> None:
    name = payment.workspace.name
    mails_write(
        to=payer_addresses(workspace_id=payment.workspace_id, user=payment.created_by),
        subject=f"Receipt {receipt.number}",
        body=f"${usd_text(payment.credited_nanousd or 0)} of credit was added to {name}. "
        f"The receipt can be had as PDF here:\n\n{link(f'/credits/payments/{payment.pk}')}",
    )
