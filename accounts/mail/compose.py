"""One look for every mail: plain text, and the same as HTML, with the installation's name and addresses."""

import re
from dataclasses import dataclass

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.installation import site

LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, or a link on a line of its own."""

    text: str
    is_link: bool


def compose(*, to: str, subject: str, body: str) -> EmailMultiAlternatives:
    """A mail of `body`: paragraphs with empty lines between them; a paragraph that is a link becomes a button."""
    found = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body.strip())]
    parts = [Part(text, bool(LINK.fullmatch(text))) for text in found if text]
    values = {"parts": parts, "subject": subject, "site": site()}
    mail = EmailMultiAlternatives(
        subject=f"{subject} · {site().site_name}",
        body=render_to_string("mail/message.txt", values).strip() + "\n",
        from_email=site().from_email,
        to=[to],
    )
    mail.attach_alternative(render_to_string("mail/message.html", values), "text/html")
    return mail


def mail_write(*, to: str, subject: str, body: str) -> None:
    """Put a mail into the outbox, in the current transaction."""
    compose(to=to, subject=subject, body=body).send()
