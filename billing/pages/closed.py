"""Account → Closed workspaces: receipts and statements stay readable for whoever has closed one, for nobody else."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import workspace_show
from accounts.models import User, Workspace
from billing.pages.papers import credit_note_answer, movements_answer, receipt_answer, statement_answer
from billing.papers.receipts import receipts_of
from billing.papers.statements import months

SHOWN = 500


@require_safe
@login_required
def closed_workspaces(request: HttpRequest) -> HttpResponse:
    """Those that this person has closed, the newest first."""
    workspace_show(request)
    rows = Workspace.objects.filter(closed_by=cast(User, request.user), closed_at__isnull=False)
    return render(request, "billing/closed_workspaces.html", {"rows": rows.order_by("-closed_at")[:SHOWN]})


@require_safe
@login_required
def closed_workspace(request: HttpRequest, workspace_id: int) -> HttpResponse:
    """Its receipts and months."""
    workspace_show(request)
    found = _own(request, workspace_id)
    ended = [row for row in months(workspace=found) if row.month.since <= found.closed_at]  # type: ignore[operator]
    values = {"found": found, "receipts": receipts_of(workspace_id=found.pk)[:SHOWN], "months": ended}
    return render(request, "billing/closed_workspace.html", values)


@require_safe
@login_required
def closed_receipt(request: HttpRequest, workspace_id: int, number: str) -> HttpResponse:
    """A receipt or credit note as PDF."""
    answer = credit_note_answer if number.startswith("C-") else receipt_answer
    return answer(_own(request, workspace_id), number)


@require_safe
@login_required
def closed_statement_pdf(request: HttpRequest, workspace_id: int, year: int, month: int) -> HttpResponse:
    """A month as PDF."""
    return statement_answer(_own(request, workspace_id), year, month)


@require_safe
@login_required
def closed_statement_csv(request: HttpRequest, workspace_id: int, year: int, month: int) -> HttpResponse:
    """A month's movements as CSV."""
    return movements_answer(_own(request, workspace_id), year, month)


def _own(request: HttpRequest, workspace_id: int) -> Workspace:
    closed = Workspace.objects.filter(closed_by=cast(User, request.user), closed_at__isnull=False)
    return get_object_or_404(closed, pk=workspace_id)
