"""Celery tasks of payments. Each may run twice, or at the same time as itself."""

import logging
from collections.abc import Callable
from typing import TypeVar

from celery import shared_task

from billing.stripe.auto import auto_sweep, taxes_file
from billing.stripe.cards import closed_cards_remove
from billing.stripe.client import payments_enabled
from billing.stripe.compare import stripe_compare
from billing.stripe.errors import StripeError
from billing.stripe.events import event_process
from billing.stripe.missed import events_fetch, events_strip
from billing.stripe.refund_sweep import refunds_sweep
from billing.stripe.sweeps import events_sweep, payments_sweep

logger = logging.getLogger("xroute.billing")
T = TypeVar("T")


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
    """Refunds that Stripe has not answered or not finished; cards of workspaces that were closed."""
    return refunds_sweep() + closed_cards_remove()


@shared_task(name="billing.stripe.sweep_auto_top_ups", expires=30)
def sweep_auto_top_ups() -> int:
    """Workspaces whose credit fell below what they chose; and the tax of those that were charged."""
    return auto_sweep() + taxes_file()


@shared_task(name="billing.stripe.fetch_events", expires=300)
def fetch_events() -> int:
    """Events that never came by webhook."""
    return _unless_down(events_fetch) or 0


@shared_task(name="billing.stripe.compare_balance", expires=1800)
def compare_balance() -> None:
    """Stripe's balance, line by line, with ours."""
    _unless_down(stripe_compare)


@shared_task(name="billing.stripe.strip_events")
def strip_events() -> int:
    """People's data in events that are long over."""
    return events_strip()


def _unless_down(work: Callable[[], T]) -> T | None:
    """Later, where Stripe does not answer."""
    if not payments_enabled():
        return None
    try:
        return work()
    except StripeError as error:
        logger.warning("Stripe was not read: %s", error)
        return None
