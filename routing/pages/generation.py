"""GET /usage/generations/gen-…: one generation, with its route explained."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import PageRequest, workspace_page
from accounts.models import ApiKey
from billing.models import UsageRecord
from routing.explain import Names, explained
from routing.models import Endpoint
from xroute.lib import ids

TIME_MS_MAX = 253_402_300_799_999  # the end of the year 9999, past which there is no datetime


@workspace_page
@require_safe
def generation(request: PageRequest, name: str) -> HttpResponse:
    """Of the viewer's workspace; any other's is not there."""
    record = _record(request.workspace.pk, name)
    names = _names(seat[0] for seat in record.route.get("seats", ()))
    route = explained(record.route, record.attempts, names.get)
    values: dict[str, Any] = {
        "record": record,
        "name": name,
        "route": route,
        "key": ApiKey.objects.filter(pk=record.key_id, workspace=request.workspace).first(),
    }
    return render(request, "routing/generation.html", values)


def _record(workspace_id: int, name: str) -> UsageRecord:
    generation_id = ids.generation_id(name)
    if generation_id is None or ids.time_ms(generation_id) > TIME_MS_MAX:
        raise Http404
    found = UsageRecord.objects.filter(
        created_at=ids.created_at(generation_id), id=generation_id, workspace_id=workspace_id
    ).first()
    if found is None:
        raise Http404
    return found


def _names(endpoint_ids: Iterable[int]) -> dict[int, Names]:
    rows = Endpoint.objects.filter(pk__in=set(endpoint_ids)).values_list(
        "pk", "model__slug", "provider__slug", "provider__name"
    )
    return {pk: (model, slug, provider) for pk, model, slug, provider in rows}
