"""Operator → Invitations: links that let people sign up."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from accounts.forms import InvitationForm
from accounts.models import Invitation
from accounts.services_invitations import invitation_create, invitation_withdraw

NEWEST = 100


@operator_page
def invitations(request: PageRequest) -> HttpResponse:
    """The newest invitations, and a form for one more. Its link is shown in the answer, and never again."""
    posted = request.method == "POST"
    form = InvitationForm(request.POST if posted else None)
    made = None
    if posted and form.is_valid():
        made = invitation_create(created_by=request.user, email=form.cleaned_data["email"])
        form = InvitationForm()
    rows = Invitation.objects.select_related("accepted_by", "created_by", "workspace").order_by("-id")[:NEWEST]
    values = {"form": form, "made": made, "rows": rows, "now": timezone.now()}
    response = render(request, "accounts/invitations.html", values, status=422 if posted and made is None else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@operator_page
def invitation_end(request: PageRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an open invitation."""
    if invitation_withdraw(invitation_id=invitation_id):
        messages.success(request, "The invitation no longer works.")
    return redirect("invitations")
