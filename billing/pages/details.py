"""Whom receipts are made out to, when to be told that credit runs low, and the code that gives some.

Members see what is set; owners and admins change it.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MANAGERS, PageRequest, workspace_page
from billing.alerts import alert_get, alert_set
from billing.countries import COUNTRIES
from billing.details import details_get, details_save
from billing.forms_papers import AlertForm, BillingDetailsForm, CodeForm, level_initial
from billing.promotions import CodeRefused, code_redeem
from xroute.templatetags.xr import usd


@workspace_page
@require_safe
def details(request: PageRequest) -> HttpResponse:
    """Both forms, or what is set."""
    return _page(request)


@workspace_page(roles=MANAGERS)
@require_POST
def details_change(request: PageRequest) -> HttpResponse:
    """Keep the billing details."""
    form = BillingDetailsForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    details_save(workspace=request.workspace, values=form.cleaned_data)
    messages.success(request, "The billing details are saved. Receipts from now on are made out to them.")
    return redirect("billing_details")


@workspace_page(roles=MANAGERS)
@require_POST
def alert_change(request: PageRequest) -> HttpResponse:
    """Keep the level."""
    form = AlertForm(request.POST)
    if not form.is_valid():
        return _page(request, alert=form, status=422)
    alert_set(workspace=request.workspace, level_nanousd=form.nanousd)
    said = f"below {usd(form.nanousd)}" if form.nanousd is not None else "never"
    messages.success(request, f"Owners and admins are mailed {said}.")
    return redirect("billing_details")


@workspace_page(roles=MANAGERS)
@require_POST
def code_use(request: PageRequest) -> HttpResponse:
    """Give the code's credit, or say why not."""
    form = CodeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Type the code that was given to you.")
        return redirect("credits")
    try:
        given = code_redeem(workspace=request.workspace, user=request.user, code=form.cleaned_data["code"])
    except CodeRefused as refused:
        messages.error(request, str(refused))
    else:
        ends = f" What is unspent of it ends on {given.expires_at:%-d %B %Y}." if given.expires_at else ""
        messages.success(request, f"{usd(given.amount_nanousd)} of credit was added.{ends}")
    return redirect("credits")


def _page(
    request: PageRequest,
    *,
    form: BillingDetailsForm | None = None,
    alert: AlertForm | None = None,
    status: int = 200,
) -> HttpResponse:
    row, level = details_get(workspace_id=request.workspace.pk), alert_get(workspace_id=request.workspace.pk)
    values = {
        "form": form or BillingDetailsForm(instance=row),
        "alert": alert or AlertForm(initial=level_initial(level.level_nanousd if level else None)),
        "row": row,
        "level": level,
        "country": COUNTRIES.get(row.country, ""),
        "may_change": request.membership.role in MANAGERS,
    }
    return render(request, "billing/details.html", values, status=status)
