"""Credits: the balance, buying more, and every movement with the balance it left.

The return page tells what is known: it asks Stripe itself, and renews until the payment has come to an end.
"""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import MANAGERS, PageRequest, workspace_page
from billing.auto_top_up import auto_capped
from billing.expiry import endings
from billing.fees import top_up_fee
from billing.forms import TopUpForm
from billing.history import endings_worded, movements_page, movements_worded, payment_get, payments_recent
from billing.models import CreditAccount, PaymentStatus, Receipt
from billing.parts import NANOUSD_PER_CENT
from billing.stripe.checkout import checkout_open, checkout_start
from billing.stripe.client import payments_enabled
from billing.stripe.errors import PaymentRefused
from billing.stripe.settle import payment_refresh

EXAMPLES_USD = (5, 20, 100)
PAGE_SIZE, PAYMENTS_SHOWN = 25, 8


@workspace_page
def credits(request: PageRequest, form: TopUpForm | None = None, status: int = 200) -> HttpResponse:
    """Everything about the workspace's money."""
    before = request.GET.get("before", "")
    usage = request.GET.get("usage", "1") != "0"
    page = movements_page(
        workspace_id=request.workspace.pk,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        size=PAGE_SIZE,
        usage=usage,
    )
    fee = top_up_fee()
    values = {
        "account": CreditAccount.objects.get(workspace_id=request.workspace.pk),
        "movements": movements_worded(page.movements),
        "before": page.before,
        "newest": not before,
        "usage": usage,
        "payments": payments_recent(workspace_id=request.workspace.pk, count=PAYMENTS_SHOWN),
        "form": form or TopUpForm(initial={"amount": "20"}),
        "may_buy": request.membership.role in MANAGERS and payments_enabled(),
        "may_pay": request.membership.role in MANAGERS,
        "endings": endings_worded(endings(workspace_id=request.workspace.pk)),
        "fee": fee,
        "capped": auto_capped(workspace_id=request.workspace.pk) if payments_enabled() else None,
        "examples": [
            (f"${dollars}", f"{(dollars * 100 + fee.cents(dollars * 100)) / 100:,.2f}") for dollars in EXAMPLES_USD
        ],
        "low": settings.TOP_UP_CENTS_MIN // 100,
        "high": settings.TOP_UP_CENTS_MAX // 100,
    }
    return render(request, "billing/credits.html", values, status=status)


@workspace_page(roles=MANAGERS)
@require_POST
def credits_buy(request: PageRequest) -> HttpResponse:
    """On to Stripe's page, or back with the reason."""
    form = TopUpForm(request.POST)
    if form.is_valid():
        try:
            payment = checkout_start(
                workspace=request.workspace,
                user=request.user,
                amount_cents=form.cents,
                save_card=form.cleaned_data["save_card"],
            )
        except PaymentRefused as error:
            form.add_error(None, str(error))
        else:
            return redirect(payment.url) if payment.url else redirect("payment", payment.pk)
    return credits(request, form, 422)


@workspace_page
@never_cache
def payment(request: PageRequest, payment_id: UUID) -> HttpResponse:
    """How a payment stands; htmx gets the state alone, as long as it may still change."""
    found = payment_get(workspace_id=request.workspace.pk, payment_id=payment_id)
    if found is None:
        raise Http404
    found = payment_refresh(payment=found)
    cents = (found.amount_cents, found.fee_cents, found.tax_cents)
    values = {
        "payment": found,
        "total": (sum(cents) if found.total_cents is None else found.total_cents) * NANOUSD_PER_CENT,
        "fee_nanousd": found.fee_cents * NANOUSD_PER_CENT,
        "tax_nanousd": found.tax_cents * NANOUSD_PER_CENT,
        "taxed": settings.XROUTE_STRIPE_TAX and found.total_cents is None,
        "moving": found.status in (PaymentStatus.OPEN, PaymentStatus.PROCESSING) and bool(found.session_id),
        "cancelled": request.GET.get("from") == "cancel",
        "may_pay": request.membership.role in MANAGERS,
        "receipt": Receipt.objects.filter(payment=found).first() if found.status == PaymentStatus.PAID else None,
        "hide_banner": True,
    }
    name = "billing/payment_state.html" if request.headers.get("HX-Request") else "billing/payment.html"
    return render(request, name, values)


@workspace_page(roles=MANAGERS)
@require_POST
def payment_go_on(request: PageRequest, payment_id: UUID) -> HttpResponse:
    """Back to Stripe's page of a payment that is still open."""
    found = payment_get(workspace_id=request.workspace.pk, payment_id=payment_id)
    if found is None:
        raise Http404
    found = checkout_open(payment=found)
    if found.status == PaymentStatus.OPEN and found.url:
        return redirect(found.url)
    messages.error(request, found.error or "This payment is no longer open. Start a new one.")
    return redirect("credits")
