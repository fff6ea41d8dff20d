"""Operator → Money → Payments: every payment, what came back of it, and the refund."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from billing.forms_refund import RefundForm
from billing.models import Payment, PaymentStatus, RefundStatus
from billing.parts import NANOUSD_PER_CENT
from billing.payments_list import STATES, payment_total_nanousd, payments_page
from billing.refundable import payment_refundable
from billing.stripe.client import payments_enabled
from billing.stripe.errors import PaymentRefused
from billing.stripe.refunds import refund_start

SAID = {
    RefundStatus.ASKED: "The credit is taken. Stripe has not answered yet; it is asked again by itself.",
    RefundStatus.PENDING: "Stripe has the refund. It can take some days until it arrives.",
    RefundStatus.SUCCEEDED: "It is refunded.",
}


@operator_page
def operator_payments(request: PageRequest) -> HttpResponse:
    """The newest payments, by workspace, person and state."""
    who, state = request.GET.get("who", "").replace("\0", "").strip()[:100], request.GET.get("state", "")
    page = payments_page(who=who, state=state, after=request.GET.get("after", ""))
    values = {"page": page, "who": who, "state": state, "states": STATES}
    return render(request, "billing/operator/payments.html", values)


@operator_page
def operator_payment(
    request: PageRequest, payment_id: UUID, form: RefundForm | None = None, status: int = 200, asked: bool = False
) -> HttpResponse:
    """One payment: what it was, what came back, and the form to refund it."""
    found = Payment.objects.select_related("workspace", "created_by").prefetch_related(
        "refunds__created_by", "disputes"
    )
    payment = get_object_or_404(found, pk=payment_id)
    left = payment_refundable(payment) if payment.status == PaymentStatus.PAID else None
    values = {
        "payment": payment,
        "total": payment_total_nanousd(payment),
        "left": left,
        "left_nanousd": left.cents * NANOUSD_PER_CENT if left else 0,
        "asked": asked,
        "may_refund": left is not None and left.cents > 0 and payments_enabled(),
        "form": form or RefundForm(initial={"amount": f"{left.cents / 100:.2f}" if left else ""}),
    }
    return render(request, "billing/operator/payment.html", values, status=status)


@require_POST
@operator_page
def operator_refund(request: PageRequest, payment_id: UUID) -> HttpResponse:
    """Refund part of it, or say why not. Without `confirm` the page asks first, as its dialog does."""
    payment = get_object_or_404(Payment, pk=payment_id)
    form = RefundForm(request.POST)
    if form.is_valid():
        if request.POST.get("confirm") != "yes":
            return operator_payment(request, payment_id, form, asked=True)
        try:
            refund = refund_start(
                payment=payment,
                amount_cents=form.cents,
                reason=form.cleaned_data["reason"],
                user=request.user,
                refund_id=form.cleaned_data["nonce"],
            )
        except PaymentRefused as error:
            form.add_error(None, str(error))
        else:
            if refund.status == RefundStatus.FAILED:
                messages.error(
                    request, "Stripe refused the refund. The credit was given back. The reason stands below."
                )
            else:
                messages.success(request, SAID[RefundStatus(refund.status)])
            return redirect("operator_payment", payment.pk)
    return operator_payment(request, payment_id, form, 422)
