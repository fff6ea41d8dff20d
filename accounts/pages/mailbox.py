"""/mailbox: every mail of a demo without a mail server. There is no such page elsewhere."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.mail.outbox import mailbox_open
from accounts.models import OutgoingMail

NEWEST = 100
LINK = re.compile(r"(https?://[^\s<>\"']+)")


def where_mails_are_kept(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not mailbox_open():
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


@where_mails_are_kept
def mailbox(request: HttpRequest) -> HttpResponse:
    """The newest mails, newest first."""
    rows = OutgoingMail.objects.order_by("-id").only("id", "to_email", "subject", "created_at")[:NEWEST]
    return render(request, "accounts/mailbox.html", {"rows": rows})


@where_mails_are_kept
def mailbox_mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One mail as text."""
    mail = get_object_or_404(OutgoingMail, pk=mail_id)
    return render(request, "accounts/mailbox_mail.html", {"mail": mail, "text": linked(mail.text)})


def linked(text: str) -> SafeString:
    """Escaped text whose links can be clicked."""
    parts = LINK.split(text)
    shown = [format_html('<a href="{}">{}</a>', part, part) if at % 2 else part for at, part in enumerate(parts)]
    return mark_safe("".join(conditional_escape(part) for part in shown))  # noqa: S308
