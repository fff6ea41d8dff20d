"""/credits/auto: the saved card, and credit that is bought by itself. Members see it; owners and admins change it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import MANAGERS, PageRequest, workspace_page
from billing.auto_top_up import auto_top_up_resume, auto_top_up_save, spent_this_month_cents
from billing.fees import top_up_fee
from billing.forms_auto import AutoTopUpForm, auto_initial
from billing.models import AutoTopUp, Payment, PaymentOrigin, StripeCustomer
from billing.parts import NANOUSD_PER_CENT
from billing.stripe.cards import card_remove
from billing.stripe.client import payments_enabled
from billing.stripe.errors import PaymentRefused, StripeError

CHARGES_SHOWN = 8


@workspace_page
@never_cache
def auto(request: PageRequest, form: AutoTopUpForm | None = None, status: int = 200) -> HttpResponse:
    """What is chosen, how much of this month's cap is used, the last charges, and why it is paused."""
    workspace_id = request.workspace.pk
    chosen = AutoTopUp.objects.filter(workspace_id=workspace_id).first()
    card = _card(workspace_id)
    charges = Payment.objects.filter(workspace_id=workspace_id, origin=PaymentOrigin.AUTO)
    values = {
        "chosen": chosen,
        "card": card,
        "form": form or AutoTopUpForm(initial=auto_initial(chosen), has_card=card is not None),
        "charges": [(row, _nanousd(_total(row))) for row in charges.order_by("-created_at")[:CHARGES_SHOWN]],
        "spent": _nanousd(spent_this_month_cents(workspace_id=workspace_id)),
        "cap": _nanousd(chosen.monthly_cap_cents) if chosen else None,
        "amount": _nanousd(chosen.amount_cents) if chosen else None,
        "fee": top_up_fee(),
        "may_change": request.membership.role in MANAGERS,
        "payments_on": payments_enabled(),
    }
    return render(request, "billing/auto.html", values, status=status)


@workspace_page(roles=MANAGERS)
@require_POST
def auto_save(request: PageRequest) -> HttpResponse:
    """Change what is bought when."""
    form = AutoTopUpForm(request.POST, has_card=_card(request.workspace.pk) is not None)
    if not form.is_valid():
        return auto(request, form, 422)
    auto_top_up_save(workspace=request.workspace, user=request.user, **form.values())
    messages.success(request, "Saved.")
    return redirect("credits_auto")


@workspace_page(roles=MANAGERS)
@require_POST
def auto_resume(request: PageRequest) -> HttpResponse:
    """Let it try once more."""
    if auto_top_up_resume(workspace=request.workspace, user=request.user):
        messages.success(request, "Auto top-up goes on. The card is charged within a minute, where credit is low.")
    return redirect("credits_auto")


@workspace_page(roles=MANAGERS)
@require_POST
def auto_card_remove(request: PageRequest) -> HttpResponse:
    """Forget the card, at Stripe and here."""
    try:
        card_remove(workspace_id=request.workspace.pk)
    except (StripeError, PaymentRefused):
        said = "Stripe does not answer: the card is not removed yet. Auto top-up is off. Try again in a minute."
        messages.error(request, said)
    else:
        messages.success(request, "The card is removed, here and at Stripe. Auto top-up is off.")
    return redirect("credits_auto")


def _card(workspace_id: int) -> StripeCustomer | None:
    return StripeCustomer.objects.filter(workspace_id=workspace_id).exclude(payment_method_id="").first()


def _total(payment: Payment) -> int:
    known = payment.total_cents
    return payment.amount_cents + payment.fee_cents + payment.tax_cents if known is None else known


def _nanousd(cents: int) -> int:
    return cents * NANOUSD_PER_CENT
