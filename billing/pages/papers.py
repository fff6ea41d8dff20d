"""Receipts and monthly statements: to look at, as PDF, and every movement as CSV. All members may see them."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import cast

from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import PageRequest, workspace_page
from accounts.models import Workspace
from billing.papers.credit_notes import credit_note_get, credit_note_pdf
from billing.papers.receipt_pdf import receipt_pdf
from billing.papers.receipts import receipt_get, receipts_of
from billing.papers.statement_csv import statement_csv
from billing.papers.statement_pdf import difference, statement_pdf
from billing.papers.statements import Statement, month_known, months, statement

PAGE_SIZE = 50


@workspace_page
@require_safe
def receipts(request: PageRequest) -> HttpResponse:
    """All of them, the newest first, page by page."""
    before = request.GET.get("before", "")
    rows = receipts_of(workspace_id=request.workspace.pk)
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE_SIZE + 1])
    values = {
        "receipts": found[:PAGE_SIZE],
        "before": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None,
        "newest": not before,
    }
    return render(request, "billing/receipts.html", values)


@workspace_page
@require_safe
def receipt_file(request: PageRequest, number: str) -> HttpResponse:
    """A receipt as PDF."""
    return receipt_answer(request.workspace, number)


@workspace_page
@require_safe
def credit_note_file(request: PageRequest, number: str) -> HttpResponse:
    """A credit note as PDF."""
    return credit_note_answer(request.workspace, number)


@workspace_page
@require_safe
def statements(request: PageRequest) -> HttpResponse:
    """Every month since the workspace began."""
    return render(request, "billing/statements.html", {"months": months(workspace=request.workspace)})


@workspace_page
@require_safe
def statement_page(request: PageRequest, year: int, month: int) -> HttpResponse:
    """One month."""
    found = _statement(request.workspace, year, month)
    values = {
        "found": found,
        "tables": [("By model", "Model", found.models), ("By key", "Key", found.keys), ("By day", "Day", found.days)],
        "difference": difference(found) if found.used != found.booked else "",
    }
    return render(request, "billing/statement.html", values)


@workspace_page
@require_safe
def statement_as_pdf(request: PageRequest, year: int, month: int) -> HttpResponse:
    """The same as PDF."""
    return statement_answer(request.workspace, year, month)


@workspace_page
@require_safe
def statement_as_csv(request: PageRequest, year: int, month: int) -> HttpResponse:
    """Every movement, read and sent in pages."""
    return movements_answer(request.workspace, year, month)


def receipt_answer(workspace: Workspace, number: str) -> HttpResponse:
    """A receipt of this workspace as PDF; raises Http404."""
    found = receipt_get(workspace_id=workspace.pk, number=number)
    if found is None:
        raise Http404
    return _file(receipt_pdf(found), f"{found.number}.pdf")


def credit_note_answer(workspace: Workspace, number: str) -> HttpResponse:
    """A credit note of this workspace as PDF; raises Http404."""
    found = credit_note_get(workspace_id=workspace.pk, number=number)
    if found is None:
        raise Http404
    return _file(credit_note_pdf(found), f"{found.number}.pdf")


def statement_answer(workspace: Workspace, year: int, month: int) -> HttpResponse:
    """A month of this workspace as PDF; raises Http404."""
    found = _statement(workspace, year, month)
    return _file(statement_pdf(workspace=workspace, found=found), f"statement-{found.month}.pdf")


def movements_answer(workspace: Workspace, year: int, month: int) -> HttpResponse:
    """A month's movements of this workspace as CSV; raises Http404."""
    found = _statement(workspace, year, month)
    chunks = statement_csv(workspace=workspace, found=found)
    answer = StreamingHttpResponse(_awaited(chunks), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statement-{found.month}.csv"'
    return cast(HttpResponse, answer)


def _statement(workspace: Workspace, year: int, month: int) -> Statement:
    known = month_known(workspace=workspace, year=year, month=month)
    if known is None:
        raise Http404
    return statement(workspace=workspace, month=known)


async def _awaited(chunks: Iterator[str]) -> AsyncIterator[str]:
    """Each chunk when it is wanted, off the event loop."""
    step = sync_to_async(partial[str | None](next, chunks, None))
    while (chunk := await step()) is not None:
        yield chunk


def _file(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
