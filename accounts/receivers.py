"""What allauth tells us."""

from typing import Any

from allauth.account.internal.flows.email_verification import verify_email
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_reset
from django.http import HttpRequest

from accounts import hooks
from accounts.models import User


def address_confirmed(email_address: Any, **_: object) -> None:
    """A person followed the link that was sent to their address."""
    hooks.confirmed(email_address.user)


def password_was_reset(request: HttpRequest, user: User, **_: object) -> None:
    """Whoever followed a reset link read the mailbox, so a first address is confirmed by it too.

    Otherwise a person whose confirmation was lost could set a password and still not get in.
    """
    addresses = list(EmailAddress.objects.filter(user_id=user.pk))
    if len(addresses) == 1 and not addresses[0].verified:
        verify_email(request, addresses[0])


def connect() -> None:
    email_confirmed.connect(address_confirmed, dispatch_uid="xroute-address-confirmed")
    password_reset.connect(password_was_reset, dispatch_uid="xroute-password-reset")
