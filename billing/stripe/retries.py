"""Stripe's events that wait for a person, tried again."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from billing.models import EventStatus, StripeEvent
from billing.stripe.webhook import enqueue

TOLD_MAX = 20  # the sweep finds the others within seconds
AGAIN = (EventStatus.PARKED, EventStatus.WAITING)


def event_retry(*, event_id: str) -> bool:
    """Have one event processed anew, at once; False where it is done, ignored or unknown."""
    return bool(_again(StripeEvent.objects.filter(pk=event_id, status__in=AGAIN)))


def events_retry_parked() -> int:
    """All that are parked; how many."""
    return _again(StripeEvent.objects.filter(status=EventStatus.PARKED))


def _again(rows: QuerySet[StripeEvent]) -> int:
    with transaction.atomic():
        found = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        # One that was parked has had all its tries: it gets them anew.
        StripeEvent.objects.filter(pk__in=found).update(
            status=EventStatus.WAITING, processed_at=None, attempts=0, due_at=Now() - timedelta(seconds=1)
        )
    for event_id in found[:TOLD_MAX]:
        enqueue(event_id)
    return len(found)
