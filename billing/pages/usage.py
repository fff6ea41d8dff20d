"""Usage: where the credit goes, drawn and in tables, and the latest generations. The page renews itself."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache

from accounts.access import PageRequest, workspace_page
from accounts.middleware import viewer_zone
from accounts.models import Role
from billing import charts
from billing.generations import generations_page
from billing.pages import usage_data
from billing.pages.usage_query import UsageQuery, usage_query
from billing.ranges import NAMES

STACKED_BY = {"model": "Model", "key": "Key", "provider": "Provider"}


@workspace_page
def usage(request: PageRequest) -> HttpResponse:
    """The whole page."""
    query = _query(request)
    figures = _figures(request, query)
    values = figures | {
        "ever": charts.ever_used(workspace_id=request.workspace.pk),
        "ranges": [(query.url(range=name), text, query.span.name == name) for name, text in NAMES.items()],
        "stacks": [(query.url(by=name), text, query.stack == name) for name, text in STACKED_BY.items()],
        "custom": query.span.name not in NAMES,
        "models": _models(request, query, figures["found"]),
        "keys": charts.key_names(workspace_id=request.workspace.pk),
        "data_url": "/usage/data" + query.url(),
        "may_fill": settings.XROUTE_MODE == "demo" and request.membership.role == Role.OWNER,
    }
    return render(request, "billing/usage.html", values)


@workspace_page
@never_cache
def usage_renewed(request: PageRequest) -> HttpResponse:
    """The figures as they are now, for the page's script."""
    values = _figures(request, _query(request))
    return JsonResponse(
        values["data"]
        | {
            "tables": render_to_string("billing/usage_tables.html", values, request),
            "latest": render_to_string("billing/usage_latest.html", values, request),
        }
    )


def _models(request: PageRequest, query: UsageQuery, found: charts.Usage) -> list[str]:
    """The models of the range: an unfiltered chart of models has just read them."""
    if query.stack == "model" and query.model is None and query.key_id is None:
        return list(found.names)
    return charts.models_used(workspace_id=request.workspace.pk, span=query.span)


def _query(request: PageRequest) -> UsageQuery:
    return usage_query(request.GET, viewer_zone())


def _figures(request: PageRequest, query: UsageQuery) -> dict[str, Any]:
    workspace_id, span = request.workspace.pk, query.span
    chosen = {"key_id": query.key_id, "model": query.model}
    found = charts.usage(workspace_id=workspace_id, span=span, stack=query.stack, **chosen)  # type: ignore[arg-type]
    names = charts.key_names(workspace_id=workspace_id) if query.stack == "key" else {}
    page = generations_page(
        workspace_id=workspace_id,
        since=span.since,
        until=span.until,
        before=query.before,
        **chosen,  # type: ignore[arg-type]
    )
    first, last = span.days
    return {
        "query": query,
        "found": found,
        "data": usage_data.page_data(found, names),
        "totals": usage_data.totals(found.total),
        "tables": usage_data.tables(found, names),
        "page": page,
        "older": query.url(before=page.before) if page.before else "",
        "newest": query.url() if query.before else "",
        "first": first.isoformat(),
        "last": last.isoformat(),
        "zone": str(span.zone),
    }
