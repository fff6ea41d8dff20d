"""Celery tasks of billing. Each may run twice, or at the same time as itself."""

from datetime import timedelta
from typing import Any

from celery import Celery, shared_task
from celery.schedules import crontab
from django.conf import settings

from accounts.services import key_changes_prune
from billing.alerts import alerts_sweep
from billing.audit_runs import audit_nightly, audit_perform, audit_runs_prune
from billing.closing import closings_sweep
from billing.details import details_sweep
from billing.expiry import expiries_sweep, expiries_warn
from billing.marks import marks_add
from billing.models import AuditRun
from billing.papers.receipts import receipts_sweep
from billing.partitions import partitions_ensure
from billing.rollups import rollups_add
from billing.stripe.tasks import (
    compare_balance,
    fetch_events,
    strip_events,
    sweep_auto_top_ups,
    sweep_events,
    sweep_payments,
    sweep_refunds,
)

ROLLUPS_EVERY_S, PARTITIONS_EVERY_S, MARKS_EVERY_S = 5.0, 6 * 3600.0, 300.0
AUDIT_MINUTE = 17
EVENTS_EVERY_S, PAYMENTS_EVERY_S, AUTO_TOP_UPS_EVERY_S = 10.0, 30.0, 30.0
FETCH_EVERY_S, COMPARE_EVERY_S, STRIP_EVERY_S = 300.0, 3600.0, 24 * 3600.0
ALERTS_EVERY_S, EXPIRIES_EVERY_S, RECEIPTS_EVERY_S, CLOSINGS_EVERY_S = 30.0, 300.0, 60.0, 5.0
ROUNDS_MAX = 20


@shared_task(name="billing.roll_up", expires=30)
def roll_up() -> int:
    """Bring the charts up to date."""
    done = 0
    for _ in range(ROUNDS_MAX):
        count = rollups_add()
        done += count
        if not count:
            break
    return done


@shared_task(name="billing.mark_balances", expires=240)
def mark_balances() -> int:
    """So that no page of movements sums a long history."""
    return marks_add()


@shared_task(name="billing.ensure_partitions")
def ensure_partitions() -> int:
    """Months ahead, so that no record ever falls into the default partition."""
    return partitions_ensure()


@shared_task(name="billing.prune_key_changes")
def prune_key_changes() -> int:
    """Workers poll every few seconds, and read everything anew after a silence: a day is more than enough."""
    return key_changes_prune(older_than=timedelta(days=1))


@shared_task(name="billing.audit_books", time_limit=6 * 3600)
def audit_books(run_id: int | None = None) -> int:
    """The nightly proof; with `run_id` the one that an operator asked for."""
    if run_id is None:
        audit_runs_prune()
        return audit_nightly()
    run = AuditRun.objects.filter(pk=run_id, ended_at__isnull=True).first()
    return audit_perform(run=run).count if run else 0


@shared_task(name="billing.sweep_alerts", expires=30)
def sweep_alerts() -> int:
    """Workspaces whose credit runs low."""
    return alerts_sweep()


@shared_task(name="billing.sweep_expiries", expires=60)
def sweep_expiries() -> int:
    """Credit that ends within a week, and credit that has ended."""
    return expiries_warn() + expiries_sweep()


@shared_task(name="billing.sweep_receipts", expires=60)
def sweep_receipts() -> int:
    """Payments that have no receipt yet."""
    return receipts_sweep()


@shared_task(name="billing.sweep_closings", expires=30)
def sweep_closings() -> int:
    """Workspaces that are being closed and waited for their calls."""
    return closings_sweep()


@shared_task(name="billing.sweep_details", expires=30)
def sweep_details() -> int:
    """Billing details that Stripe does not have yet."""
    return details_sweep()


def schedule(app: Celery) -> None:
    """When they run."""
    night = crontab(hour=settings.XROUTE_AUDIT_HOUR, minute=AUDIT_MINUTE)
    entries: dict[str, tuple[Any, Any]] = {
        "roll up usage": (roll_up, ROLLUPS_EVERY_S),
        "mark balances": (mark_balances, MARKS_EVERY_S),
        "make partitions": (ensure_partitions, PARTITIONS_EVERY_S),
        "prune key changes": (prune_key_changes, PARTITIONS_EVERY_S),
        "process Stripe's events": (sweep_events, EVENTS_EVERY_S),
        "check payments": (sweep_payments, PAYMENTS_EVERY_S),
        "tell of low credit": (sweep_alerts, ALERTS_EVERY_S),
        "end credit": (sweep_expiries, EXPIRIES_EVERY_S),
        "send billing details": (sweep_details, ALERTS_EVERY_S),
        "make receipts": (sweep_receipts, RECEIPTS_EVERY_S),
        "finish closings": (sweep_closings, CLOSINGS_EVERY_S),
        "check refunds": (sweep_refunds, PAYMENTS_EVERY_S),
        "top up by itself": (sweep_auto_top_ups, AUTO_TOP_UPS_EVERY_S),
        "fetch missed events of Stripe's": (fetch_events, FETCH_EVERY_S),
        "compare Stripe's balance": (compare_balance, COMPARE_EVERY_S),
        "strip old events": (strip_events, STRIP_EVERY_S),
        "audit the books": (audit_books, night),
    }
    for name, (task, every_s) in entries.items():
        app.add_periodic_task(every_s, task.s(), name=name)
