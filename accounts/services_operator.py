"""Writes of the installation itself: its first operator, its settings, its logo. Keyword-only."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now

from accounts.installation import site_forget
from accounts.models import Installation, SetupToken, SiteLogo, User
from accounts.services import person_ensure

SETUP_TTL = timedelta(hours=1)


class SetupRefused(Exception):
    """The set-up link does not make an operator (any more)."""


class AddressTaken(Exception):
    """The e-mail address belongs to another account. The message says what to do."""


def operator_exists() -> bool:
    """Whether anyone operates this installation."""
    return User.objects.filter(is_active=True, is_staff=True).exists()


def setup_token_create() -> str | None:
    """A token that makes the first operator, good for an hour; None where there is one. Earlier tokens are void."""
    with transaction.atomic():
        # A claim that is under way holds its row: this waits for it, and then sees the operator that it made.
        SetupToken.objects.filter(used_at__isnull=True).delete()
        if operator_exists():
            return None
        token = secrets.token_urlsafe(32)
        SetupToken.objects.create(digest=_digest(token), expires_at=Now() + SETUP_TTL)
    return token


def setup_token_valid(*, token: str) -> bool:
    """Whether the token would make an operator now."""
    return _open(token).exists() and not operator_exists()


def setup_claim(*, token: str, email: str, password: str) -> User:
    """The first operator, made with a token that is void from then on; raises SetupRefused, AddressTaken."""
    with transaction.atomic():
        if not _open(token).update(used_at=Now()) or operator_exists():
            raise SetupRefused
        if User.objects.filter(email__iexact=email).exists():
            raise AddressTaken(
                "There is an account with this address already. Use another one here, "
                "or make that account an operator with: manage.py create_operator EMAIL"
            )
        return operator_make(email=email, password=password)


def operator_make(*, email: str, password: str | None) -> User:
    """The person of this address, who operates the installation from now on; raises AddressTaken.

    Whoever runs this vouches for the address. A password that was chosen before it was confirmed is not theirs.
    """
    with transaction.atomic():
        user, _ = person_ensure(email=email)
        others = EmailAddress.objects.filter(email__iexact=user.email, verified=True).exclude(user=user)
        if others.exists():
            raise AddressTaken(f"{user.email} is a confirmed address of another account. Remove it there first.")
        own = EmailAddress.objects.filter(user=user)
        if password:
            user.set_password(password)
        elif not own.filter(email__iexact=user.email, verified=True).exists():
            user.set_unusable_password()
        user.is_active = user.is_staff = user.is_superuser = True
        user.save()
        own.filter(primary=True).exclude(email__iexact=user.email).update(primary=False)
        EmailAddress.objects.update_or_create(
            user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
        )
    return user


def installation_save(*, values: Mapping[str, str]) -> None:
    """Keep what the operator chose; what the environment fixes stays as it is."""
    open_values = {name: value for name, value in values.items() if not settings.XROUTE_INSTALLATION.get(name)}
    Installation.objects.update_or_create(pk=1, defaults=open_values)
    site_forget()


def logo_save(*, content: bytes, content_type: str) -> None:
    """Keep the logo; its address changes with its content, so that browsers load it anew."""
    with transaction.atomic():
        SiteLogo.objects.update_or_create(pk=1, defaults={"content": content, "content_type": content_type})
        installation_save(values={"logo_url": f"/site/logo?v={hashlib.sha256(content).hexdigest()[:12]}"})


def logo_delete() -> None:
    """Back to the project's own mark."""
    with transaction.atomic():
        SiteLogo.objects.all().delete()
        installation_save(values={"logo_url": ""})


def setup_finish() -> None:
    """The operator has walked through the set-up; once."""
    Installation.objects.get_or_create(pk=1)
    Installation.objects.filter(pk=1, set_up_at__isnull=True).update(set_up_at=Now())


def _open(token: str) -> models.QuerySet[SetupToken]:
    return SetupToken.objects.filter(digest=_digest(token), used_at__isnull=True, expires_at__gt=Now())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
