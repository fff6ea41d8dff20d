"""GET /: what this is, for those who are not signed in; others go to their overview."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.installation import site
from routing.pages.listing import rows, varied
from routing.pages.snippets import example, snippets

SHOWN = 8


def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("/overview")
    found = rows()
    providers = {name for row in found for name in row.providers}
    values = {
        "rows": varied(found)[:SHOWN],
        "models_count": len(found),
        "providers_count": len(providers),
        "snippets": snippets(public_url=site().public_url, model=example([row.slug for row in found])),
    }
    return render(request, "routing/landing.html", values)
