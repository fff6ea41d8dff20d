"""Django's mail backend of this project: it only writes rows, so no mail server can fail what caused the mail."""

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from accounts.installation import site
from accounts.mail.bell import ring
from accounts.models import OutgoingMail

SUBJECT_MAX = 300


class OutboxBackend(BaseEmailBackend):
    """One row for each recipient, in the current transaction; the task is told once that is committed."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        rows = [row for message in email_messages for row in _rows(message)]
        OutgoingMail.objects.bulk_create(rows)
        if any(row.sent_at is None for row in rows):
            transaction.on_commit(ring, robust=True)
        return len(email_messages)


def _rows(message: EmailMessage) -> list[OutgoingMail]:
    default = not message.from_email or message.from_email == settings.DEFAULT_FROM_EMAIL
    now = timezone.now()
    kept = now if settings.XROUTE_MAIL_SERVER.keeps else None
    return [
        OutgoingMail(
            to_email=address,
            from_email=site().from_email if default else message.from_email,
            subject=" ".join(str(message.subject).split())[:SUBJECT_MAX],
            text=str(message.body),
            html=_html(message),
            next_try_at=None if kept else now,
            sent_at=kept,
        )
        for address in message.recipients()
    ]


def _html(message: EmailMessage) -> str:
    if isinstance(message, EmailMultiAlternatives):
        for part in message.alternatives:
            if part[1] == "text/html":
                return str(part[0])
    return ""
