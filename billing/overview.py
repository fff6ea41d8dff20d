"""What an operator reads of the whole installation's money. All amounts are nano-USD; every query is bounded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum

from accounts.models import Workspace
from billing.audit_runs import audit_missing
from billing.models import (
    AuditRun,
    CreditAccount,
    EventStatus,
    Payment,
    PaymentStatus,
    RejectedUsage,
    StripeComparison,
    StripeEvent,
)
from xroute.lib.money import cents_words

# Usage comes from rollups and what is not rolled up yet, in one statement: a batch is on exactly one side.
REVENUE = """
SELECT (SELECT coalesce(sum(cost_nanousd), 0)::bigint FROM (
          SELECT cost_nanousd FROM billing_usagerollup WHERE bucket >= %(since)s AND bucket < %(until)s
           UNION ALL
          SELECT r.cost_nanousd FROM billing_meterbatch b JOIN billing_usagerecord r ON r.batch_id = b.id
           WHERE NOT b.rolled_up AND r.created_at >= %(since)s AND r.created_at < %(until)s) u),
       (SELECT coalesce(sum(CASE WHEN t.credit_account_id = h.id THEN t.amount ELSE -t.amount END), 0)::bigint
          FROM billing_creditaccount h
          JOIN billing_transfer t ON h.id IN (t.credit_account_id, t.debit_account_id)
         WHERE h.house = 'revenue' AND t.kind <> 'usage' AND t.created_at >= %(since)s AND t.created_at < %(until)s)"""


@dataclass(frozen=True, slots=True)
class Balances:
    """`owed` to `creditors` workspaces in credit, `owing` by `debtors` that are below zero."""

    owed: int
    creditors: int
    owing: int
    debtors: int


@dataclass(frozen=True, slots=True)
class Revenue:
    """What usage brought in, and what else moved on the revenue account: fees, expired and forfeited credit."""

    usage: int
    other: int

    @property
    def total(self) -> int:
        return self.usage + self.other


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that wants a person: what, and the page that says more."""

    text: str
    url: str
    bad: bool = True


def balances() -> Balances:
    """Over all workspaces, closed ones included."""
    rows = CreditAccount.objects.filter(house__isnull=True)
    found: dict[str, Any] = rows.aggregate(
        owed=Sum("posted", filter=Q(posted__gt=0)),
        creditors=Count("id", filter=Q(posted__gt=0)),
        owing=Sum("posted", filter=Q(posted__lt=0)),
        debtors=Count("id", filter=Q(posted__lt=0)),
    )
    return Balances(found["owed"] or 0, found["creditors"], -(found["owing"] or 0), found["debtors"])


def revenue(*, since: datetime, until: datetime) -> Revenue:
    """Of a range whose ends lie on quarters of an hour."""
    with connection.cursor() as cursor:
        cursor.execute(REVENUE, {"since": since, "until": until})
        return Revenue(*cursor.fetchone())


def closed_with_balance() -> list[Workspace]:
    """Closed workspaces whose account is not at zero: a call or payment that came late."""
    rows = Workspace.objects.filter(closed_at__isnull=False).exclude(account__posted=0)
    return list(rows.select_related("account").order_by("-closed_at")[:20])


def attention() -> list[Attention]:
    """All that waits for an operator."""
    found = []
    if audit_missing():
        text = "No audit of the books has ended for 36 hours. Check that Celery's beat and worker are running."
        found.append(Attention(text, "/operator/money#audit"))
    newest = AuditRun.objects.filter(ended_at__isnull=False).order_by("-started_at").first()
    if newest is not None and (newest.count or newest.error):
        text = f"Faults in the books, by the last audit: {newest.count}."
        if newest.error:
            text = f"The last audit could not run: {newest.error}"
        found.append(Attention(text, f"/operator/money/audits/{newest.pk}"))
    events = {
        "parked": StripeEvent.objects.filter(status=EventStatus.PARKED).count(),
        "failing": StripeEvent.objects.filter(status=EventStatus.WAITING, attempts__gt=0).count(),
    }
    for name, text in (("parked", "parked, and wait for you"), ("failing", "failing, and tried again by themselves")):
        if events[name]:
            text = f"Stripe's events that are {text}: {events[name]}."
            found.append(Attention(text, f"/operator/money/events?state={name}", name == "parked"))
    if count := RejectedUsage.objects.filter(settled_at__isnull=True).count():
        text = f"Usage that could not be booked and is not settled: {count}."
        found.append(Attention(text, "/admin/billing/rejectedusage/"))
    if count := Payment.objects.filter(status=PaymentStatus.PARKED).count():
        found.append(Attention(f"Payments that were paid, but not as asked: {count}.", "/admin/billing/payment/"))
    compared = StripeComparison.objects.order_by("-created_at").first()
    if compared is not None and compared.unexplained_cents:
        text = f"Stripe's balance differs from ours by {cents_words(compared.unexplained_cents)} without a cause."
        found.append(Attention(text, "/admin/billing/stripecomparison/"))
    return found
