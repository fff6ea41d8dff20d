"""GET /overview: how the workspace stands today, and how to begin. The figures renew themselves."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access import PageRequest, workspace_page
from accounts.installation import site
from accounts.selectors import keys_visible
from billing.glance import Today, today
from billing.models import CreditAccount
from routing.pages.listing import rows
from routing.pages.snippets import example, snippets


@workspace_page
def overview(request: PageRequest) -> HttpResponse:
    """The page; htmx gets the figures alone."""
    account = CreditAccount.objects.get(workspace_id=request.workspace.pk)
    values: dict[str, object] = {"account": account, "today": today(request.workspace)}
    if request.headers.get("HX-Request"):
        return render(request, "routing/overview_figures.html", values)
    return render(request, "routing/overview.html", values | _beginning(request, account, values["today"]))


def _beginning(request: PageRequest, account: CreditAccount, so_far: object) -> dict[str, object]:
    """What is still to be done before the first answer, and the code for it."""
    model = example([row.slug for row in rows()])
    has_key = keys_visible(request.membership).filter(revoked_at__isnull=True).exists()
    called = isinstance(so_far, Today) and so_far.requests > 0
    steps = [
        {"done": has_key, "text": "Make a key", "url": "/keys/new"},
        {"done": account.posted > 0, "text": "Add credit", "url": "/credits"},
        {"done": called, "text": "Make the first call", "url": "#start"},
    ]
    return {
        "steps": steps,
        "begun": all(step["done"] for step in steps),
        "snippets": snippets(public_url=site().public_url, model=model),
    }
