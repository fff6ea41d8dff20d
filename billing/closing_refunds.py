"""Refunds of a workspace that is closed: as much of its payments as is paid credit and unspent, the newest first.

Booking runs inside the closing's transaction; asking comes after its commit, and the sweep of refunds repeats it.
"""

from accounts.models import User, Workspace
from billing.models import CreditAccount, Payment, PaymentStatus, Refund, RefundOrigin
from billing.parts import NANOUSD_PER_CENT, cents_within, parts_of
from billing.refundable import payment_taken, payment_whole, unspent_of
from billing.stripe.client import payments_enabled
from billing.stripe.refunds import refund_ask, refund_debit

REASON = "The workspace was closed."


def closing_refundable_cents(*, workspace: Workspace, running: bool = False) -> int:
    """What would go back to whoever paid, in cents, fee and tax in proportion included.

    With `running`, also what calls that run hold at present: they may leave some of it.
    """
    return sum(cents for _, cents in _plan(workspace, running=running))


def closing_refunds_book(*, workspace: Workspace, user: User) -> list[Refund]:
    """Debit them all, in the caller's transaction."""
    return [refund_debit(payment, cents, REASON, user, RefundOrigin.CLOSING) for payment, cents in _plan(workspace)]


def closing_refunds_ask(booked: list[Refund]) -> None:
    """Tell Stripe. What it does not answer now is asked again by the sweep."""
    for refund in booked:
        refund_ask(refund=refund)


def _plan(workspace: Workspace, *, running: bool = False) -> list[tuple[Payment, int]]:
    if not payments_enabled():
        return []
    unspent = unspent_of(account_id=CreditAccount.objects.get(workspace=workspace).pk)
    left, plan = min(unspent.paid, unspent.posted - (0 if running else unspent.reserved)), []
    for payment in Payment.objects.filter(workspace=workspace, status=PaymentStatus.PAID).order_by("-paid_at"):
        whole, taken = payment_whole(payment), payment_taken(payment)
        cents = cents_within(whole=whole, taken=taken, credit=max(0, left))
        if cents:
            plan.append((payment, cents))
            left -= parts_of(whole=whole, taken=taken, gross=cents * NANOUSD_PER_CENT).credit
    return plan
