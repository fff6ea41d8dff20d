"""Auto top-up: who needs one, and the row that reserves it - at most one at a time, never above the monthly cap."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import User, Workspace
from billing.fees import top_up_fee
from billing.models import AutoTopUp, Payment, PaymentStatus
from billing.notices import link, mails_write, managers_addresses
from billing.workspaces import WorkspaceClosed, workspace_open_ensure
from xroute.lib.ids import new_id

# What a month's cap has gone to, and the tax that the last one of this amount had: the next will have it too.
SPENT = """
SELECT coalesce(sum(coalesce(p.total_cents, p.amount_cents + p.fee_cents + p.tax_cents)), 0)
  FROM billing_payment p
 WHERE p.workspace_id = t.workspace_id AND p.origin = 'auto' AND p.status IN ('open', 'processing', 'parked', 'paid')
   AND p.created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"""
TAX = """
SELECT p.tax_cents FROM billing_payment p
 WHERE p.workspace_id = t.workspace_id AND p.origin = 'auto' AND p.amount_cents = t.amount_cents
 ORDER BY p.created_at DESC LIMIT 1"""
FEE = "greatest((t.amount_cents * %(ppm)s + 999999) / 1000000, %(min_cents)s)"
NEEDED = """
  FROM billing_autotopup t
  JOIN billing_creditaccount a ON a.workspace_id = t.workspace_id
  JOIN billing_stripecustomer c ON c.workspace_id = t.workspace_id
  JOIN accounts_workspace w ON w.id = t.workspace_id
 WHERE t.enabled AND t.paused_at IS NULL AND NOT w.suspended AND w.closing_at IS NULL
   AND a.posted < t.threshold_nanousd AND c.payment_method_id <> '' AND c.customer_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM billing_payment o WHERE o.workspace_id = t.workspace_id AND o.origin = 'auto'
                      AND o.status IN ('open', 'processing'))"""
FITS = f"""
       ({SPENT}) + t.amount_cents + {FEE} + coalesce(({TAX}), 0) <= t.monthly_cap_cents"""
WANTED = f"{NEEDED} AND {FITS}"
MONTH = "date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
# Stopped by the cap, and not told so of this cap in this month (UTC): whoever changes the row writes the mail.
CAPPED = f"""
UPDATE billing_autotopup SET capped_at = now(), capped_cents = monthly_cap_cents
 WHERE workspace_id IN (SELECT t.workspace_id {NEEDED} AND NOT ({FITS}))
   AND (capped_at IS NULL OR capped_at < {MONTH} OR capped_cents <> monthly_cap_cents)
RETURNING workspace_id, monthly_cap_cents"""  # noqa: S608
STOPPED = f"""
SELECT t.monthly_cap_cents,
       (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month - 1 day')::date
  {NEEDED} AND NOT ({FITS})
   AND t.workspace_id = %(workspace)s"""
DUE = f"SELECT t.workspace_id {WANTED} ORDER BY t.workspace_id LIMIT %(limit)s"
INSERT = f"""
INSERT INTO billing_payment (id, workspace_id, created_by_id, amount_cents, amount_nanousd, fee_cents, origin,
                             customer_id, payment_method_id, idempotency_key, status)
SELECT %(id)s, t.workspace_id, t.changed_by_id, t.amount_cents, t.amount_cents * 10000000, {FEE}, 'auto',
       c.customer_id, c.payment_method_id, %(key)s, 'open' {WANTED} AND t.workspace_id = %(workspace)s
ON CONFLICT DO NOTHING"""


def auto_top_up_save(
    *,
    workspace: Workspace,
    user: User,
    enabled: bool,
    threshold_nanousd: int,
    amount_cents: int,
    monthly_cap_cents: int,
) -> AutoTopUp:
    """Set what is bought when. A pause stays until someone resumes it."""
    values = {
        "enabled": enabled,
        "threshold_nanousd": threshold_nanousd,
        "amount_cents": amount_cents,
        "monthly_cap_cents": monthly_cap_cents,
        "changed_by": user,
        "changed_at": Now(),
    }
    found, _ = AutoTopUp.objects.update_or_create(workspace=workspace, defaults=values)
    return found


def auto_top_up_resume(*, workspace: Workspace, user: User) -> bool:
    """Let it charge again: one try, which pauses it again where it fails. Whether it was paused."""
    paused = AutoTopUp.objects.filter(workspace=workspace, paused_at__isnull=False)
    return bool(paused.update(paused_at=None, pause_reason="", changed_by=user, changed_at=Now()))


@dataclass(frozen=True, slots=True)
class Capped:
    """An auto top-up that is needed and that its cap stops, until the end of the day `until` (UTC)."""

    cap_cents: int
    until: date


def auto_capped(*, workspace_id: int) -> Capped | None:
    """Whether the monthly cap alone keeps credit from being bought now."""
    with connection.cursor() as cursor:
        cursor.execute(STOPPED, _fee() | {"workspace": workspace_id})
        row = cursor.fetchone()
    return Capped(*row) if row else None


def auto_capped_tell() -> int:
    """Mail owners and admins whose auto top-up its cap has stopped: once a month and cap; how many workspaces."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CAPPED, _fee())
        told = cursor.fetchall()
        for workspace_id, cap_cents in told:
            _capped_mail(workspace_id, cap_cents)
    return len(told)


def _capped_mail(workspace_id: int, cap_cents: int) -> None:
    name, cap = Workspace.objects.values_list("name", flat=True).get(pk=workspace_id), f"${cap_cents / 100:,.2f}"
    mails_write(
        to=managers_addresses(workspace_id=workspace_id),
        subject=f"Auto top-up of {name} has reached its monthly cap",
        body=f"Credit of {name} is below the level that you chose, but another top-up would be above the {cap} that "
        "you allow a month. Nothing more is charged until the month is over (UTC). Raise the cap here, or buy credit "
        f"by hand:\n\n{link('/credits/auto')}\n\nThis mail comes once a month, and again for another cap.",
    )


def spent_this_month_cents(*, workspace_id: int) -> int:
    """What counts against this month's cap (UTC)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({SPENT}) FROM (SELECT %s::bigint AS workspace_id) t", [workspace_id])  # noqa: S608
        return int(cursor.fetchone()[0])


def auto_due(*, limit: int) -> list[int]:
    """Workspaces whose credit is below their threshold and that may be charged now."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, _fee() | {"limit": limit})
        return [row[0] for row in cursor.fetchall()]


def auto_payment_reserve(*, workspace_id: int) -> Payment | None:
    """The row of one charge, where it is (still) wanted. Whoever comes second, however closely, gets None.

    The locks come first, so that the guarded insert sees everything that was committed before: a closing, too.
    """
    payment_id: UUID = new_id()
    with suppress(WorkspaceClosed), transaction.atomic(durable=True), connection.cursor() as cursor:
        workspace_open_ensure(workspace_id=workspace_id)
        cursor.execute("SELECT 1 FROM billing_autotopup WHERE workspace_id = %s FOR UPDATE SKIP LOCKED", [workspace_id])
        if cursor.fetchone() is None:
            return None
        cursor.execute(INSERT, _fee() | {"id": payment_id, "key": uuid4(), "workspace": workspace_id})
        if cursor.rowcount != 1:
            return None
    return Payment.objects.filter(pk=payment_id).first()


def auto_payment_fix(*, payment: Payment, tax_cents: int, calculation_id: str) -> bool:
    """Write down what will be charged, before it is; False where tax lifts it above the cap: then it is given up.

    The row keeps its tax, so that the next try knows of it before it starts.
    """
    total = payment.amount_cents + payment.fee_cents + tax_cents
    with transaction.atomic(durable=True):
        chosen = AutoTopUp.objects.select_for_update().get(workspace_id=payment.workspace_id)
        mine = Payment.objects.filter(pk=payment.pk, status=PaymentStatus.OPEN, asked_at__isnull=True)
        spent = spent_this_month_cents(workspace_id=payment.workspace_id)
        fits = spent - payment.amount_cents - payment.fee_cents - payment.tax_cents + total <= chosen.monthly_cap_cents
        values = {"tax_cents": tax_cents, "tax_calculation_id": calculation_id, "total_cents": total}
        if fits:
            mine.update(asked_at=Now(), **values)
        else:
            mine.update(
                status=PaymentStatus.EXPIRED,
                error="With tax it is above what is left of the monthly cap. Nothing was charged.",
                **values,
            )
    payment.refresh_from_db()
    return payment.asked_at is not None


def _fee() -> dict[str, int]:
    fee = top_up_fee()
    return {"ppm": fee.ppm, "min_cents": fee.min_cents}
