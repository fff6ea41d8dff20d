"""Celery tasks of payments. Each may run twice, or at the same time as itself."""

from celery import shared_task

from billing.stripe.auto import auto_sweep, taxes_file
from billing.stripe.events import event_process
from billing.stripe.refund_sweep import refunds_sweep
from billing.stripe.sweeps import events_sweep, payments_sweep


@shared_task(name="billing.stripe.process_event")
def process_event(event_id: str) -> None:
    """One event, right after it came."""
    event_process(event_id=event_id)


@shared_task(name="billing.stripe.sweep_events", expires=30)
def sweep_events() -> int:
    """Events whose task was lost or failed."""
    return events_sweep()


@shared_task(name="billing.stripe.sweep_payments", expires=60)
def sweep_payments() -> int:
    """Payments whose webhook never came."""
    return payments_sweep()


@shared_task(name="billing.stripe.sweep_refunds", expires=60)
def sweep_refunds() -> int:
    """Refunds that Stripe has not answered or not finished."""
    return refunds_sweep()


@shared_task(name="billing.stripe.sweep_auto_top_ups", expires=30)
def sweep_auto_top_ups() -> int:
    """Workspaces whose credit fell below what they chose; and the tax of those that were charged."""
    return auto_sweep() + taxes_file()
