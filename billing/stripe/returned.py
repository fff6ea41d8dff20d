"""A bank debit that its bank sent back after it was paid: Stripe names no refund and no dispute, only a line of its
balance. The credit of it is taken back as one refund made at Stripe, known by the line's id.
"""

from accounts.mail.compose import mail_write
from billing.models import Payment, Refund
from billing.notices import payment_watchers
from billing.parts import NANOUSD_PER_CENT
from billing.stripe.line import Line
from billing.stripe.refunds import refund_apply
from billing.stripe.reversal import Paid, StripeRefund
from xroute.lib.money import usd_text


def payment_returned(*, line: Line, payment: Payment) -> str:
    """Take back what a line of Stripe's balance says was returned, once, in the caller's transaction.

    The balance may go below zero: the money has left already. Answers why it needs a person, or "".
    """
    if Refund.objects.filter(stripe_id=line.id).exists():
        return ""
    found = StripeRefund(
        id=line.id,
        status="succeeded",
        amount_cents=-line.amount_cents,
        currency=line.currency,
        failure="",
        refund="",
        paid=Paid(line.intent_id, str(payment.pk)),
    )
    if reason := refund_apply(found, payment.pk):
        return reason
    _tell(payment, Refund.objects.get(stripe_id=line.id))
    return ""


def _tell(payment: Payment, refund: Refund) -> None:
    """Mail the workspace's owners and the operators."""
    for address, link, _ in payment_watchers(payment=payment):
        body = (
            f"The bank took back ${usd_text(refund.amount_cents * NANOUSD_PER_CENT)} of a payment of "
            f"{payment.workspace.name} after it was paid. ${usd_text(refund.credit_nanousd)} of credit was taken from "
            f"{payment.workspace.name}.\n\n{link}"
        )
        mail_write(to=address, subject="A payment was returned by the bank", body=body)
