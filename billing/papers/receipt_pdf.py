"""A receipt as PDF. Its first part is as it was issued; refunds since stand below as a note."""

from datetime import datetime
from typing import Any

from billing.models import Payment, Receipt, Refund, RefundStatus
from billing.papers.parties import block
from billing.papers.sheet import Sheet
from billing.parts import NANOUSD_PER_CENT
from xroute.lib.money import usd_text


def receipt_pdf(receipt: Receipt) -> bytes:
    """The file. The same receipt with the same refunds makes the same bytes."""
    payment, details = receipt.payment, receipt.details
    seller = details["seller"]
    sheet = Sheet(
        title=f"Receipt {receipt.number}", foot=f"{seller['name']} · {receipt.number}", made_at=receipt.created_at
    )
    sheet.heading("Receipt")
    sheet.words(f"{receipt.number}. All amounts in USD.", dim=True)
    sheet.ln(6)
    sheet.columns([("Seller", block(seller)), ("Buyer", block(details["buyer"]))])
    sheet.columns([("Paid on", [day(payment.paid_at)]), ("Paid by", [_paid_by(details)])])
    sheet.rows(("What", "Amount"), lines(payment), (0.7, 0.3))
    sheet.total("Total paid", usd(_total_cents(payment) * NANOUSD_PER_CENT))
    sheet.words(f"Payment {payment.pk}, at Stripe {payment.payment_intent_id}", dim=True)
    _refunds(sheet, payment)
    return sheet.made()


def lines(payment: Payment) -> list[tuple[str, str]]:
    """What was paid for; fee and tax only where there was any."""
    found = [("Credit for API calls, prepaid", usd(payment.credited_nanousd or 0))]
    if payment.fee_cents:
        found.append(("Top-up fee", usd(payment.fee_cents * NANOUSD_PER_CENT)))
    if payment.tax_cents:
        found.append(("Tax", usd(payment.tax_cents * NANOUSD_PER_CENT)))
    return found


def _refunds(sheet: Sheet, payment: Payment) -> None:
    rows = Refund.objects.filter(payment=payment).exclude(status__in=(RefundStatus.FAILED, RefundStatus.ASKED))
    found = [
        (f"Refund of {day(row.created_at)}", usd(row.amount_cents * NANOUSD_PER_CENT)) for row in rows.order_by("id")
    ]
    if found:
        sheet.ln(8)
        sheet.heading("Refunded since", 11)
        sheet.rows(("What", "Amount"), found, (0.7, 0.3))


def _total_cents(payment: Payment) -> int:
    """What left the buyer's account. Payments of old have no total of their own: they had neither fee nor tax."""
    if payment.total_cents is not None:
        return payment.total_cents
    return (payment.credited_nanousd or 0) // NANOUSD_PER_CENT + payment.fee_cents + payment.tax_cents


def _paid_by(details: dict[str, Any]) -> str:
    """As it was issued: receipts of before have the saved card of that day."""
    card = details.get("card")
    old = f"{card['brand'].capitalize()} card ending in {card['last4']}" if card else ""
    return details.get("paid_by") or old or "through Stripe"


def day(at: datetime | None) -> str:
    """As papers write a day."""
    return f"{at:%-d %B %Y} (UTC)" if at else "–"


def usd(nanousd: int) -> str:
    """As papers write an amount."""
    return f"{usd_text(nanousd)}"
