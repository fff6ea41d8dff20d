"""GET /overview: how the workspace stands today, and how to begin."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access import PageRequest, workspace_page


@workspace_page
def overview(request: PageRequest) -> HttpResponse:
    return render(request, "routing/overview.html", {})
