"""A credit note for each refund that is final, numbered without gaps (C-2026-000001), with a mail to the owners.

Both are written in the transaction that makes the refund final. One that fails afterwards keeps its note, which then
says so, and is told of again.
"""

import json

from django.db import connection
from django.db.models import F

from accounts.mail.compose import mail_write
from accounts.models import Workspace
from billing.models import CreditAccount, CreditNote, Payment, Receipt, Refund
from billing.notices import link, payment_watchers
from billing.papers.parties import block, buyer, seller
from billing.papers.receipt_pdf import day, usd
from billing.papers.sheet import Sheet
from billing.parts import NANOUSD_PER_CENT
from xroute.lib.money import usd_text

LOCK = "SELECT pg_advisory_xact_lock(hashtext('xroute credit note numbers'))"
NUMBER = """
INSERT INTO billing_creditnote (number, refund_id, details, created_at)
SELECT format('C-%%s-%%s', n.year, lpad(n.number::text, 6, '0')), %(refund)s, %(details)s, clock_timestamp()
  FROM (SELECT CASE WHEN last.year >= this.year THEN last.year ELSE this.year END AS year,
               CASE WHEN last.year >= this.year THEN last.number + 1 ELSE 1 END AS number
          FROM (SELECT extract(year FROM clock_timestamp() AT TIME ZONE 'UTC')::int AS year) this
          LEFT JOIN (SELECT substring(number FROM 3 FOR 4)::int AS year, substring(number FROM 8)::bigint AS number
                       FROM billing_creditnote ORDER BY id DESC LIMIT 1) last ON true) n
ON CONFLICT (refund_id) DO NOTHING"""


def credit_notes_lock() -> None:
    """Call first of all in a transaction that may issue one: before payments and accounts, so that none waits round."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def credit_note_issue(*, refund: Refund) -> None:
    """Inside the transaction that makes the refund final: its note with the next number, and the mails."""
    payment = Payment.objects.select_related("workspace").get(pk=refund.payment_id)
    receipt = Receipt.objects.filter(payment=payment).first()
    parties = receipt.details if receipt else {"seller": seller(), "buyer": buyer(payment.workspace)}
    details = {name: parties[name] for name in ("seller", "buyer")} | {"receipt": receipt.number if receipt else ""}
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(NUMBER, {"refund": refund.pk, "details": json.dumps(details)})
        if not cursor.rowcount:
            return
    note = CreditNote.objects.get(refund=refund)
    _mail(payment, f"Refund of ${_amount(refund)}", f"It goes back to whoever paid. Credit note {note.number}.", refund)


def credit_note_undone(*, refund: Refund) -> None:
    """The refund failed after its note was issued: tell those who were told of it."""
    note = CreditNote.objects.filter(refund=refund).first()
    if note is not None:
        payment = Payment.objects.select_related("workspace").get(pk=refund.payment_id)
        text = f"It could not be paid back, and its credit was returned. Credit note {note.number} is void."
        _mail(payment, f"Refund of ${_amount(refund)} failed", text, refund)


def credit_note_get(*, workspace_id: int, number: str) -> CreditNote | None:
    """A note of this workspace; another's is not found."""
    rows = CreditNote.objects.filter(refund__payment__workspace_id=workspace_id, number=number)
    return rows.select_related("refund__payment").first()


def credit_note_pdf(note: CreditNote) -> bytes:
    """The file."""
    refund, parties = note.refund, note.details
    foot = f"{parties['seller']['name']} · {note.number}"
    sheet = Sheet(title=f"Credit note {note.number}", foot=foot, made_at=note.created_at)
    sheet.heading("Credit note")
    sheet.words(f"{note.number}. All amounts in USD.", dim=True)
    sheet.ln(6)
    sheet.columns([("Seller", block(parties["seller"])), ("Buyer", block(parties["buyer"]))])
    sheet.columns([("Refunded on", [day(note.created_at)]), ("Of receipt", [parties["receipt"] or "–"])])
    parts = [("Credit for API calls", refund.credit_nanousd), ("Top-up fee", refund.fee_nanousd)]
    rows = [(what, usd(nanousd)) for what, nanousd in [*parts, ("Tax", refund.tax_nanousd)] if nanousd]
    sheet.rows(("What", "Amount"), rows, (0.7, 0.3))
    sheet.total("Total refunded", _amount(refund))
    sheet.words(f"Payment {refund.payment_id}, refund at Stripe {refund.stripe_id}", dim=True)
    if refund.status == "failed":
        sheet.ln(8)
        sheet.heading("Void: the refund failed", 11)
        sheet.words(f"It could not be paid back ({day(refund.ended_at)}), and its credit was returned.")
    return sheet.made()


def _mail(payment: Payment, subject: str, text: str, refund: Refund) -> None:
    name = payment.workspace.name
    posted = CreditAccount.objects.get(workspace=payment.workspace).posted
    paid = payment.total_cents * NANOUSD_PER_CENT if payment.total_cents is not None else payment.amount_nanousd
    sign = "−" if posted < 0 else ""
    body = f"${_amount(refund)} of the payment of ${usd_text(paid)} of {name}, paid on {day(payment.paid_at)}. {text}"
    body += f"\n\nThe balance is {sign}${usd_text(abs(posted))} now."
    told = [(address, page) for address, page, _ in payment_watchers(payment=payment)]
    closed = Workspace.objects.filter(pk=payment.workspace_id, closed_at__isnull=False, closed_by__is_active=True)
    for email in closed.values_list(F("closed_by__email"), flat=True):
        if email not in [address for address, _ in told]:
            told.append((email, link(f"/closed-workspaces/{payment.workspace_id}")))
    for address, page in told:
        mail_write(to=address, subject=subject, body=f"{body}\n\n{page}")


def _amount(refund: Refund) -> str:
    return usd(refund.amount_cents * NANOUSD_PER_CENT)
