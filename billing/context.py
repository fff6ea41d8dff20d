"""The banner that every signed-in page shows: out of credit, with the one button that mends it."""

from functools import cache
from typing import Any

from django.http import HttpRequest

from billing.models import CreditAccount


def banner(request: HttpRequest) -> dict[str, Any]:
    """`posted_nanousd` of the current workspace, read only where a page shows it, and then once."""
    return {"posted_nanousd": cache(lambda: _posted(request))}


def _posted(request: HttpRequest) -> int:
    workspace = getattr(request, "workspace", None)
    if workspace is None:
        return 0
    found = CreditAccount.objects.filter(workspace_id=workspace.pk).values_list("posted", flat=True).first()
    return found or 0
