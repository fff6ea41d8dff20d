"""Which workspace the pages show."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import SESSION_KEY, memberships_of


@login_required
@require_POST
def workspace_switch(request: HttpRequest) -> HttpResponse:
    """Show another workspace that the viewer is a member of."""
    chosen = request.POST.get("workspace", "")
    if chosen not in {str(row.workspace_id) for row in memberships_of(request)}:
        raise Http404
    request.session[SESSION_KEY] = int(chosen)
    return redirect("/overview")


@login_required
def workspace_missing(request: HttpRequest) -> HttpResponse:
    """For a person who is in no workspace (any more)."""
    return render(request, "accounts/workspace_missing.html")
