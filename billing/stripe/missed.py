"""Events that no webhook brought: Stripe lists them for 30 days. They are stored as the webhook would.

Also: how long their payloads, which name people, are kept.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from billing.models import StripeEvent, StripePlace
from billing.stripe import client
from billing.stripe.events import HANDLERS
from billing.stripe.places import place_reached, place_since
from billing.stripe.stored import event_read

logger = logging.getLogger("xroute.billing")
PLACE, OVERLAP, FULL_EVERY = "events", timedelta(hours=2), timedelta(days=1)
TYPES_MAX, STORED_AT_ONCE, STRIPPED_AT_ONCE = 20, 100, 1000


def events_fetch() -> int:
    """Store the events that we handle and do not have; how many those were. Raises StripeError.

    From the newest seen on, with an overlap; the whole range at first and once a day. May run twice at once.
    """
    full = not StripePlace.objects.filter(pk=PLACE, full_at__gt=Now() - FULL_EVERY).exists()
    oldest = datetime.now(UTC) - timedelta(days=settings.XROUTE_STRIPE_SWEEP_DAYS)
    since = oldest if full else max(oldest, place_since(PLACE, overlap=OVERLAP))
    names = sorted(HANDLERS)
    count, newest = 0, 0
    for start in range(0, len(names), TYPES_MAX):
        for found in _chunks(names[start : start + TYPES_MAX], since):
            newest = max(newest, *(int(event["created"]) for event in found))
            count += events_store(found)
    place_reached(PLACE, newest=datetime.fromtimestamp(newest, UTC) if newest else None, full=full)
    if count:
        logger.warning("%s of Stripe's events had not come by webhook", count)
    return count


def _chunks(types: list[str], since: datetime) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for event in client.events_list(types=types, since_s=int(since.timestamp())):
        chunk.append(event)
        if len(chunk) == STORED_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def events_store(found: list[dict[str, Any]]) -> int:
    """Those of our mode that are not stored yet; how many."""
    read = [event for event in map(event_read, found) if event is not None]
    ours = {str(event.pk): event for event in read if event.livemode == settings.STRIPE_LIVEMODE}
    if len(ours) < len(found):
        logger.error("ALERT Stripe's list has %s events that are not of our mode, or none", len(found) - len(ours))
    known = StripeEvent.objects.filter(pk__in=ours).values_list("pk", flat=True)
    new = [ours[event_id] for event_id in ours.keys() - set(known)]
    StripeEvent.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def events_strip() -> int:
    """Leave of old events that are over only what they were about; how many. Others stay whole."""
    count = 0
    while done := _strip():
        count += done
    return count


def _strip() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_stripeevent SET payload = jsonb_build_object('id', id, 'object', 'event', 'type', type, "
            "'livemode', livemode, 'stripped', true, 'data', jsonb_build_object('object', jsonb_build_object("
            "'id', payload #> '{data,object,id}'))) WHERE id IN (SELECT id FROM billing_stripeevent "
            "WHERE status IN ('done', 'ignored') AND processed_at < now() - make_interval(days => %s) "
            "AND NOT payload ? 'stripped' LIMIT %s)",
            [settings.XROUTE_STRIPE_EVENT_DAYS, STRIPPED_AT_ONCE],
        )
        return int(cursor.rowcount)
