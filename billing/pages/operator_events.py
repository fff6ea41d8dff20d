"""/operator/money/events: what Stripe told us, what came of it, and another try."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from billing.models import EventStatus, StripeEvent
from billing.stripe.retries import event_retry, events_retry_parked

SHOWN = 100
STATES = {
    "": "All",
    "parked": "Parked",
    "failing": "Failing",
    "waiting": "Waiting",
    "done": "Done",
    "ignored": "Ignored",
}


def _id(event_id: str) -> str:
    """Of an address; PostgreSQL has no NUL."""
    if "\0" in event_id:
        raise Http404
    return event_id


def _of(state: str) -> QuerySet[StripeEvent]:
    rows = StripeEvent.objects.defer("payload").order_by("-received_at")
    if state == "failing":
        return rows.filter(status=EventStatus.WAITING, attempts__gt=0)
    return rows.filter(status=state)


@operator_page
def events(request: PageRequest) -> HttpResponse:
    """Those that need a person first, then those that fail, then the newest."""
    state = request.GET.get("state", "")
    if state in STATES and state:
        rows = list(_of(state)[:SHOWN])
    else:
        state = ""
        first = [*_of("parked")[:SHOWN], *_of("failing")[:SHOWN]]
        newest = StripeEvent.objects.defer("payload").order_by("-received_at")[:SHOWN]
        seen = {row.pk for row in first}
        rows = first + [row for row in newest if row.pk not in seen]
    parked = StripeEvent.objects.filter(status=EventStatus.PARKED).count()
    values = {"rows": rows, "state": state, "states": STATES.items(), "parked": parked, "shown": SHOWN}
    return render(request, "billing/operator/events.html", values)


@operator_page
def event(request: PageRequest, event_id: str) -> HttpResponse:
    """One event: its tries, its last error, and what Stripe sent."""
    found = StripeEvent.objects.filter(pk=_id(event_id)).first()
    if found is None:
        raise Http404
    again = found.status in (EventStatus.PARKED, EventStatus.WAITING)
    return render(request, "billing/operator/event.html", {"event": found, "again": again})


@operator_page
@require_POST
def event_again(request: PageRequest, event_id: str) -> HttpResponse:
    """Have it processed anew."""
    if not StripeEvent.objects.filter(pk=_id(event_id)).exists():
        raise Http404
    if event_retry(event_id=event_id):
        messages.success(request, "It is being tried again. Load the page anew in a moment.")
    else:
        messages.info(request, "This event is done; there is nothing to try again.")
    return redirect("operator_event", event_id)


@operator_page
@require_POST
def events_again(request: PageRequest) -> HttpResponse:
    """Have all that are parked processed anew."""
    count = events_retry_parked()
    messages.success(request, f"Being tried again: {count}. Load the page anew in a moment.")
    return redirect("operator_events")
