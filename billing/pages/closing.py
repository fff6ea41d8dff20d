"""/workspace/close: an owner closes the workspace that is shown, after one more proof that it is them."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.access import SESSION_KEY, PageRequest, workspace_page
from accounts.models import Role
from billing.closing import Choice, ClosingRefused, closing_objections, closing_targets, workspace_close
from billing.closing_refunds import closing_refundable_cents
from billing.models import CreditAccount
from billing.parts import NANOUSD_PER_CENT


@workspace_page(roles=(Role.OWNER,))
@never_cache
@reauthentication_required  # type: ignore[untyped-decorator]
def workspace_closing(request: PageRequest) -> HttpResponse:
    """What stands in the way, what becomes of the credit, and the button."""
    workspace, posted = request.workspace, request.method == "POST"
    targets = closing_targets(workspace=workspace, user=request.user)
    fault, choice = "", request.POST.get("choice", "")
    if posted:
        target = next((row for row in targets if str(row.pk) == request.POST.get("target")), None)
        name = request.POST.get("name", "")[:200]
        try:
            workspace_close(workspace=workspace, user=request.user, choice=choice, target=target, name_typed=name)
        except ClosingRefused as error:
            fault = str(error)
        else:
            request.session.pop(SESSION_KEY, None)
            messages.success(request, f"{workspace.name} is closed. Its keys no longer work.")
            return redirect("account")
    account = CreditAccount.objects.get(workspace=workspace)
    values = {
        "account": account,
        "objections": closing_objections(workspace=workspace),
        "targets": targets,
        "refundable": closing_refundable_cents(workspace=workspace) * NANOUSD_PER_CENT,
        "fault": fault,
        "choice": choice,
        "choices": Choice,
        "hide_banner": True,
    }
    return render(request, "billing/closing.html", values, status=422 if posted else 200)
