"""Writes about a person: what a sign-up brings with it, and what they change on their own page."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.services import workspace_create
from accounts.services_invitations import invitation_accept


def person_welcome(*, user: User, time_zone: str, terms_accepted: bool, invitation: Invitation | None) -> None:
    """What every new person gets: a workspace of their own, their zone, and what they were invited to."""
    with transaction.atomic():
        user.time_zone = time_zone
        user.terms_accepted_at = timezone.now() if terms_accepted else None
        user.save(update_fields=["time_zone", "terms_accepted_at"])
        workspace_create(owner=user, name=f"{user.email.partition('@')[0]}'s workspace"[:100])
        if invitation is not None:
            invitation_accept(invitation=invitation, user=user)


def person_update(*, user: User, name: str, time_zone: str) -> None:
    """How a person is called, and the zone that times are shown in (empty: the browser's)."""
    user.name, user.time_zone = name, time_zone
    user.save(update_fields=["name", "time_zone"])
