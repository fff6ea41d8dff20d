"""Operator → Mail: what was sent, what waits, and why."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import PageRequest, operator_page
from accounts.mail.bell import ring
from accounts.mail.outbox import ATTEMPTS_MAX, mail_retry
from accounts.models import OutgoingMail

NEWEST = 200
SHOWN = ("id", "to_email", "subject", "created_at", "next_try_at", "attempts", "sent_at", "given_up_at", "error")


@operator_page
def mail_list(request: PageRequest) -> HttpResponse:
    """The newest mails without their text, which may hold links that log somebody in."""
    rows = OutgoingMail.objects.order_by("-id").only(*SHOWN)
    state = request.GET.get("state", "")
    if state == "waiting":
        rows = rows.filter(sent_at=None, given_up_at=None)
    elif state == "failed":
        rows = rows.exclude(given_up_at=None)
    values = {"rows": rows[:NEWEST], "state": state, "server": settings.XROUTE_MAIL_SERVER, "tries": ATTEMPTS_MAX}
    return render(request, "accounts/mail.html", values)


@require_POST
@operator_page
def mail_again(request: PageRequest, mail_id: int) -> HttpResponse:
    """Make a mail due now."""
    if mail_retry(mail_id=mail_id):
        ring()
        messages.success(request, "It is being tried again. Load the page anew in a moment.")
    else:
        messages.info(request, "That mail has arrived, or is no longer kept.")
    return redirect("mail_list")
