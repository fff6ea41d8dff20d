"""The read side of the operator's payments: all of them, newest first, with what came back of each."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from billing.models import Dispute, Payment, PaymentStatus, Refund, RefundStatus
from billing.parts import NANOUSD_PER_CENT

PAGE_SIZE = 50
REVERSED = {"refunded": "Refunded, in part or whole", "disputed": "Disputed"}
STATES = {status.value: status.label for status in PaymentStatus} | REVERSED


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """`after` asks for the next, older page; empty where this is the last."""

    payments: list[Payment]
    after: str


def payments_page(*, who: str = "", state: str = "", after: str = "") -> PaymentPage:
    """Payments whose workspace's name or one of whose people's addresses holds `who`, by keyset on (time, id)."""
    found = with_reversals(Payment.objects.select_related("workspace", "created_by"))
    if who:
        people = Membership.objects.filter(workspace=OuterRef("workspace_id"), user__email__icontains=who)
        found = found.filter(Q(workspace__name__icontains=who) | Exists(people))
    if state in PaymentStatus.values:
        found = found.filter(status=state)
    elif state == "refunded":
        found = found.filter(_refunds_exist())
    elif state == "disputed":
        found = found.filter(Exists(Dispute.objects.filter(payment=OuterRef("pk"))))
    if position := _position(after):
        at, payment_id = position
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=payment_id))
    rows = list(found.order_by("-created_at", "-pk")[: PAGE_SIZE + 1])
    shown = rows[:PAGE_SIZE]
    more = len(rows) > PAGE_SIZE
    return PaymentPage(shown, f"{shown[-1].created_at.isoformat()}~{shown[-1].pk}" if more else "")


def with_reversals(found: "QuerySet[Payment]") -> "QuerySet[Payment]":
    """Each with its refunds and disputes at hand, in two queries for all of them."""
    return found.prefetch_related("refunds", "disputes")


def payment_reversal(payment: Payment) -> str:
    """What of a payment came back, in a word for its chip; "" for none. Reads what with_reversals has fetched."""
    if payment.status != PaymentStatus.PAID:
        return ""
    disputes = list(payment.disputes.all())
    if any(dispute.closed_at is None and dispute.held_credit_nanousd for dispute in disputes):
        return "disputed"
    if any(dispute.held_credit_nanousd for dispute in disputes):
        return "dispute lost"
    back = sum(refund.credit_nanousd for refund in payment.refunds.all() if refund.status != RefundStatus.FAILED)
    if not back:
        return ""
    return "refunded" if back >= (payment.credited_nanousd or 0) else "partly refunded"


def payment_total_nanousd(payment: Payment) -> int:
    """What was paid: credit, fee and tax."""
    credited = payment.credited_nanousd or payment.amount_nanousd
    return credited + (payment.fee_cents + payment.tax_cents) * NANOUSD_PER_CENT


def _refunds_exist() -> Exists:
    return Exists(Refund.objects.filter(~Q(status=RefundStatus.FAILED), payment=OuterRef("pk")))


def _position(after: str) -> tuple[datetime, UUID] | None:
    """Whatever is not a position of ours starts at the newest."""
    at, _, payment_id = after.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(payment_id)
    except ValueError:
        return None
