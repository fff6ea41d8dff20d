"""Operator → Money → Stripe: Stripe's balance beside ours, what differs, and every line of it."""

import re

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from billing.models import MirrorStatus, StripeBalanceTransaction, StripeComparison
from billing.stripe.client import payments_enabled
from billing.stripe.compare import stripe_compare
from billing.stripe.errors import StripeError

TYPE = re.compile("[a-z_]{1,60}")
PAGE_SIZE, COMPARISONS_SHOWN = 50, 10


@operator_page
def operator_stripe(request: PageRequest) -> HttpResponse:
    """The last comparisons and the mirror, filtered by `status` and `type`."""
    status, kind = request.GET.get("status", ""), request.GET.get("type", "")
    lines = StripeBalanceTransaction.objects.order_by("-created_at", "pk")
    if status in MirrorStatus.values:
        lines = lines.filter(status=status)
    kind = kind if TYPE.fullmatch(kind) else ""
    if kind:
        lines = lines.filter(type=kind)
    comparisons = list(StripeComparison.objects.order_by("-pk")[:COMPARISONS_SHOWN])
    values = {
        "enabled": payments_enabled(),
        "comparisons": comparisons,
        "last": comparisons[0] if comparisons else None,
        "page": Paginator(lines, PAGE_SIZE).get_page(request.GET.get("page")),
        "status": status,
        "statuses": MirrorStatus.values,
        "type": kind,
    }
    return render(request, "billing/operator/stripe.html", values)


@require_POST
@operator_page
def operator_stripe_compare(request: PageRequest) -> HttpResponse:
    """Compare now."""
    if not payments_enabled():
        messages.error(request, "Payments are off here: set STRIPE_SECRET_KEY first.")
        return redirect("operator_stripe")
    try:
        found = stripe_compare()
    except StripeError:
        messages.error(request, "Stripe does not answer at the moment. Try again in a minute.")
    else:
        if found is None:
            messages.info(request, "Stripe's balance moved during the comparison. Try again in a moment.")
        else:
            messages.success(request, "Compared just now.")
    return redirect("operator_stripe")
