"""/operator/money/workspaces: find one, see how it stands, change its credit by hand after a look at the outcome."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import PageRequest, operator_page
from accounts.models import Membership, Role, Workspace
from billing.adjustments import AdjustmentRefused, adjustment_make, adjustment_preview
from billing.forms_operator import AdjustmentForm
from billing.history import movements_page, movements_worded
from billing.models import Adjustment
from billing.workspaces import WorkspaceClosed
from xroute.lib.ids import new_id

FOUND_MAX, MOVEMENTS, ADJUSTMENTS = 50, 25, 100


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _search(text: str) -> QuerySet[Workspace]:
    """By name, by an owner's address, or by the id."""
    owners = Membership.objects.filter(role=Role.OWNER, user__email__icontains=text).values("workspace_id")
    wanted = Q(name__icontains=text) | Q(pk__in=owners)
    if (number := _number(text)) is not None:
        wanted |= Q(pk=number)
    return Workspace.objects.filter(wanted).select_related("account").order_by("-id")


@operator_page
def workspaces(request: PageRequest) -> HttpResponse:
    """The ones that were looked for; without a search those that owe, then the newest."""
    text = request.GET.get("q", "").strip().replace("\0", "")[:100]
    if text:
        rows = list(_search(text)[:FOUND_MAX])
    else:
        rows = list(Workspace.objects.select_related("account").order_by("-id")[:FOUND_MAX])
    owners: dict[int, str] = dict(
        Membership.objects.filter(workspace__in=rows, role=Role.OWNER).values_list("workspace_id", "user__email")
    )
    values = {"rows": [(row, owners.get(row.pk, "")) for row in rows], "q": text, "most": FOUND_MAX}
    return render(request, "billing/operator/workspaces.html", values)


@operator_page
def workspace(request: PageRequest, workspace_id: int) -> HttpResponse:
    """Balance, movements and what was done by hand. A change is shown first, and done when it is confirmed."""
    found = Workspace.objects.select_related("account").filter(pk=workspace_id).first()
    if found is None:
        raise Http404
    posted = request.method == "POST"
    form = AdjustmentForm(request.POST if posted else None, initial={"nonce": new_id(), "kind": "grant"})
    preview = None
    if posted and form.is_valid():
        try:
            if request.POST.get("confirm") == "yes":
                made = adjustment_make(
                    id=form.cleaned_data["nonce"], workspace=found, created_by=request.user, **form.values
                )
                messages.success(request, f"{made.get_kind_display()} done.")
                return redirect("operator_workspace", found.pk)
            preview = adjustment_preview(workspace=found, **form.values)
        except (AdjustmentRefused, WorkspaceClosed) as error:
            form.add_error(None, str(error))
    before = _number(request.GET.get("before", ""))
    page = movements_page(workspace_id=found.pk, before=before, size=MOVEMENTS)
    values = {
        "found": found,
        "form": form,
        "preview": preview,
        "amount": form.values["amount_nanousd"] if preview else 0,
        "owners": Membership.objects.filter(workspace=found, role=Role.OWNER).values_list("user__email", flat=True),
        "movements": movements_worded(page.movements),
        "before": page.before,
        "newest": before is None,
        "adjustments": Adjustment.objects.filter(workspace=found)
        .select_related("created_by")
        .order_by("-created_at")[:25],
    }
    return render(request, "billing/operator/workspace.html", values, status=422 if posted and not preview else 200)


@operator_page
def adjustments(request: PageRequest) -> HttpResponse:
    """All that was done by hand: who, when, why."""
    rows = Adjustment.objects.select_related("created_by", "workspace").order_by("-created_at")[:ADJUSTMENTS]
    return render(request, "billing/operator/adjustments.html", {"rows": rows, "most": ADJUSTMENTS})
