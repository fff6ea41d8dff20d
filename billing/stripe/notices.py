"""What people are told of payments that nobody was there to see: a mail to owners and admins, once, written in the
transaction that changed the state; and the pause of an auto top-up that failed.
"""

from django.db.models.functions import Now

from billing.models import AutoTopUp, Payment, PaymentOrigin, PaymentStatus
from billing.notices import link, mails_write, managers_addresses
from xroute.lib.money import usd_words

DECLINED = {
    "authentication_required": "The bank wants you to confirm the payment yourself. Nothing was charged.",
    "expired_card": "The card has expired. Nothing was charged.",
    "insufficient_funds": "The card has insufficient funds. Nothing was charged.",
    "payment_method_gone": "Stripe no longer has this card. Nothing was charged.",
}
REASON_MAX = 300


def declined_sentence(code: str) -> str:
    """Why a charge to the saved card was not paid, for the person who pays."""
    said = DECLINED.get(code)
    return said or f"The bank declined the card{f' ({code})' if code else ''}. Nothing was charged."


def auto_top_up_pause(*, payment: Payment, reason: str) -> None:
    """Stop charging until a person says otherwise, and tell them: once, however often this is called."""
    at_work = AutoTopUp.objects.filter(workspace_id=payment.workspace_id, paused_at__isnull=True)
    if not at_work.update(paused_at=Now(), pause_reason=reason[:REASON_MAX]):
        return
    body = (
        f"Credit of {payment.workspace.name} fell below the level that you chose, and the saved card was to be charged "
        f"with {usd_words(payment.amount_nanousd)} of credit. {reason}\n\n"
        "Auto top-up is paused: the card is not tried again until you say so. Here you can resume it, or change the "
        f"card:\n\n{link('/credits/auto')}"
    )
    managers_tell(workspace_id=payment.workspace_id, subject="Auto top-up is paused", body=body)


def payment_told(*, payment: Payment) -> None:
    """Mail that the bank did not pay: it took its time, and whoever paid has long left the page. What was paid has a
    receipt (papers/receipts.py).
    """
    if payment.origin != PaymentOrigin.CHECKOUT or payment.status != PaymentStatus.FAILED:
        return
    body = (
        f"The payment of {usd_words(payment.amount_nanousd)} of credit for {payment.workspace.name} did not go "
        f"through. Nothing was credited.\n\n{link(f'/credits/payments/{payment.pk}')}"
    )
    managers_tell(workspace_id=payment.workspace_id, subject="A payment did not go through", body=body)


def managers_tell(*, workspace_id: int, subject: str, body: str) -> None:
    """A mail to each owner and admin, in the current transaction."""
    mails_write(to=managers_addresses(workspace_id=workspace_id), subject=subject, body=body)
