"""/operator/money/codes: promotion codes, made and switched off."""

import secrets

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from billing.forms_operator import CodeForm
from billing.models import PromotionCode
from billing.promotions import CodeRefused, promotion_code_make
from xroute.lib.money import nanousd_from_usd

SHOWN = 200
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that are taken for another


def code_generate() -> str:
    """A code that cannot be guessed: 80 bits, in four groups."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


@operator_page
def codes(request: PageRequest) -> HttpResponse:
    """All codes with their uses, and a form for one more."""
    posted = request.method == "POST"
    form = CodeForm(request.POST if posted else None)
    if posted and form.is_valid():
        found = form.cleaned_data
        try:
            made = promotion_code_make(
                code=found["code"] or code_generate(),
                amount_nanousd=nanousd_from_usd(found["amount"]),
                expires_at=found["expires_on"],
                uses_max=found["uses_max"],
                credit_days=found["credit_days"],
                note=found["note"],
                created_by=request.user,
            )
        except CodeRefused as error:
            form.add_error("code", str(error))
        else:
            messages.success(request, f"The code {made.code} works from now on.")
            return redirect("operator_codes")
    rows = PromotionCode.objects.select_related("created_by").order_by("-id")[:SHOWN]
    values = {"form": form, "rows": rows, "now": timezone.now()}
    return render(request, "billing/operator/codes.html", values, status=422 if posted else 200)


@operator_page
@require_POST
def code_off(request: PageRequest, code_id: int) -> HttpResponse:
    """Nobody can use it any more; credit that was given stays."""
    if PromotionCode.objects.filter(pk=code_id, enabled=True).update(enabled=False):
        messages.success(request, "The code no longer works. Credit that it has given stays.")
    return redirect("operator_codes")
