"""What `manage.py check --deploy` says about this app."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


def mail_server_is_set(**_: Any) -> list[CheckMessage]:
    """Without one nobody can confirm an address, so nobody can sign up."""
    if settings.XROUTE_MAIL_SERVER.scheme:
        return []
    return [
        Warning(
            "EMAIL_URL is not set: mails wait in the outbox, and nobody can confirm an address.",
            hint="Set EMAIL_URL=smtp://user:password@host:587.",
            id="accounts.W001",
        )
    ]


def add() -> None:
    register(mail_server_is_set, Tags.security, deploy=True)
