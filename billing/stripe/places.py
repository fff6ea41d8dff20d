"""Where a sweep of one of Stripe's lists goes on. The lists are newest first: a place moves at a sweep's end only, so
that one that broke off leaves no gap; each starts some time before its place, for what came late.
"""

from datetime import UTC, datetime, timedelta

from django.db.models.functions import Greatest, Now

from billing.models import StripePlace

BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)


def place_since(name: str, *, overlap: timedelta) -> datetime:
    """From when on to read."""
    place = StripePlace.objects.filter(pk=name).first()
    return place.reached_at - overlap if place and place.reached_at else BEGINNING


def place_reached(name: str, *, newest: datetime | None, full: bool = False) -> None:
    """The list was read to its end; `newest` is the time of the first in it. A place never goes back."""
    StripePlace.objects.get_or_create(pk=name)
    place = StripePlace.objects.filter(pk=name)
    if newest is not None:
        place.filter(reached_at=None).update(reached_at=newest)
        place.update(reached_at=Greatest("reached_at", newest))
    if full:
        place.update(full_at=Now())
