"""POST /usage/demo-data: thirty days of invented usage for an owner's empty workspace, in demo mode only."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, workspace_page
from accounts.middleware import viewer_zone
from accounts.models import Role
from billing.demo import NoDemo
from routing.demo import demo_workspace_fill
from xroute.lib.money import usd_words


@workspace_page(roles=(Role.OWNER,))
@require_POST
def demo_data(request: PageRequest) -> HttpResponse:
    if settings.XROUTE_MODE != "demo":
        raise Http404
    try:
        made = demo_workspace_fill(workspace=request.workspace, created_by=request.user, zone=viewer_zone())
    except NoDemo as error:
        messages.error(request, str(error))
        return redirect("usage")
    if made.requests:
        messages.success(request, f"{made.requests:,} invented requests for {usd_words(made.cost_nanousd)} are here.")
    else:
        messages.info(request, "The demo data is here already.")
    return redirect("/usage?range=30d")
