"""/workspace/close: an owner closes the workspace that is shown, after one more proof that it is them."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import SESSION_KEY, PageRequest, workspace_page
from accounts.models import Role, Workspace
from billing.closing import (
    Choice,
    ClosingRefused,
    closing_cancel,
    closing_finish,
    closing_objections,
    closing_targets,
    workspace_close,
)
from billing.closing_refunds import closing_refundable_cents
from billing.models import Closing, CreditAccount
from billing.parts import NANOUSD_PER_CENT

ANOTHER = "Meanwhile you look at another workspace. Nothing was changed; load the page anew."


@login_required
@never_cache
def workspace_closing(request: HttpRequest) -> HttpResponse:
    """What stands in the way, what becomes of the credit, and the button; then what it waits for.

    A form that was sent twice, or a page that is renewed, names its workspace: once that is closed, both end the same.
    """
    return _over(request) or _closing(request)


@require_POST
@login_required
def workspace_closing_cancel(request: HttpRequest) -> HttpResponse:
    """Keep the workspace after all."""
    return _over(request) or _cancel(request)


@workspace_page(roles=(Role.OWNER,))
def _closing(request: PageRequest) -> HttpResponse:
    wish = Closing.objects.select_related("asked_by", "target").filter(workspace=request.workspace).first()
    return _waiting(request, wish) if wish else _choosing(request)


@workspace_page(roles=(Role.OWNER,))
def _cancel(request: PageRequest) -> HttpResponse:
    if _other(request):
        messages.error(request, ANOTHER)
        return redirect("account")
    if not closing_cancel(workspace=request.workspace, user=request.user):
        return _closed(request, request.workspace)
    messages.success(request, f"{request.workspace.name} is kept. Its keys work again within five seconds.")
    return redirect("account")


def _waiting(request: PageRequest, wish: Closing) -> HttpResponse:
    fault = ""
    try:
        if closing_finish(workspace=request.workspace):
            return _closed(request, request.workspace)
    except ClosingRefused as error:
        fault = str(error)
    held = CreditAccount.objects.get(workspace=request.workspace).reserved
    values = {"wish": wish, "fault": fault, "held": held, "hide_banner": True}
    return render(request, "billing/closing_waits.html", values)


@reauthentication_required  # type: ignore[untyped-decorator]
def _choosing(request: PageRequest) -> HttpResponse:
    workspace, posted = request.workspace, request.method == "POST"
    targets = closing_targets(workspace=workspace, user=request.user)
    fault, choice = "", request.POST.get("choice", "")
    if posted:
        target = next((row for row in targets if str(row.pk) == request.POST.get("target")), None)
        name = request.POST.get("name", "")[:200]
        try:
            if _other(request):
                raise ClosingRefused(ANOTHER)
            closed = workspace_close(
                workspace=workspace, user=request.user, choice=choice, target=target, name_typed=name
            )
        except ClosingRefused as error:
            fault = str(error)
        else:
            return _closed(request, workspace) if closed else redirect("workspace_close")
    account = CreditAccount.objects.get(workspace=workspace)
    values = {
        "account": account,
        "objections": closing_objections(workspace=workspace),
        "targets": targets,
        "refundable": closing_refundable_cents(workspace=workspace, running=True) * NANOUSD_PER_CENT,
        "fault": fault,
        "choice": choice,
        "choices": Choice,
        "hide_banner": True,
    }
    return render(request, "billing/closing.html", values, status=422 if posted else 200)


def _named(request: HttpRequest) -> str:
    return str(request.POST.get("workspace") or request.GET.get("workspace") or "")


def _other(request: PageRequest) -> bool:
    return _named(request) != str(request.workspace.pk)


def _over(request: HttpRequest) -> HttpResponse | None:
    """Where the named workspace was closed by this person: to where its closing ended."""
    named = _named(request)
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        return None
    found = Workspace.objects.filter(pk=int(named), closed_at__isnull=False, closed_by_id=request.user.pk).first()
    return _closed(request, found) if found else None


def _closed(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """The same for everyone who comes; said once, in a line that stands on the page itself."""
    if request.session.get(SESSION_KEY) == workspace.pk:
        request.session.pop(SESSION_KEY, None)
    answer = redirect("closed_workspace", workspace.pk)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": answer["Location"]})
    return answer
