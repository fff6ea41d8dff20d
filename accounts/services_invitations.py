"""Invitations: a link for one person. Only its digest is stored; it works once."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.installation import site
from accounts.mail.compose import mail_write
from accounts.models import Invitation, Membership, Role, User, Workspace

VALID_DAYS = 14


class InvitationOver(Exception):
    """The link was used, has ended, or is for another address."""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation and its link, which is shown this once."""

    invitation: Invitation
    url: str = field(repr=False)


def invitation_create(
    *,
    created_by: User | None,
    email: str = "",
    workspace: Workspace | None = None,
    role: str = Role.MEMBER,
    send: bool = True,
) -> NewInvitation:
    """A link for `email` (anyone who has it, where empty), mailed there unless `send` is false."""
    token = secrets.token_urlsafe(32)
    url = f"{site().public_url}/invite/{token}"
    with transaction.atomic():
        invitation = Invitation.objects.create(
            digest=_digest(token),
            email=email.strip().lower(),
            workspace=workspace,
            role=role,
            created_by=created_by,
            expires_at=timezone.now() + timedelta(days=VALID_DAYS),
        )
        if invitation.email and send:
            mail_write(to=invitation.email, subject="You are invited", body=_body(invitation, url))
    return NewInvitation(invitation, url)


def invitation_find(*, token: str) -> Invitation | None:
    """The invitation of a link, where it still works."""
    found = Invitation.objects.select_related("workspace", "created_by")
    return found.filter(digest=_digest(token), accepted_by=None, expires_at__gt=timezone.now()).first()


def invitation_accept(*, invitation: Invitation, user: User) -> None:
    """Use the invitation up, and join its workspace; raises InvitationOver where that is no longer possible."""
    if invitation.email and invitation.email != user.email.lower():
        raise InvitationOver(f"This invitation is for {invitation.email}. Log in with that address.")
    with transaction.atomic():
        closed = False
        if invitation.workspace_id is not None:
            # Before the invitation, as a closing does it: one that is under way is waited for.
            closed = Workspace.objects.select_for_update().get(pk=invitation.workspace_id).closed_at is not None
        still_open = Invitation.objects.filter(pk=invitation.pk, accepted_by=None, expires_at__gt=timezone.now())
        if not still_open.update(accepted_by=user):
            raise InvitationOver("This invitation was used already or has ended. Ask for a new one.")
        if closed:
            raise InvitationOver("The workspace was closed. Ask for a new invitation.")
        if invitation.workspace_id is not None:
            Membership.objects.get_or_create(
                user=user, workspace_id=invitation.workspace_id, defaults={"role": invitation.role}
            )


def invitation_withdraw(*, invitation_id: int) -> bool:
    """End an open invitation now; whether there was one."""
    now = timezone.now()
    return bool(
        Invitation.objects.filter(pk=invitation_id, accepted_by=None, expires_at__gt=now).update(expires_at=now)
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _body(invitation: Invitation, url: str) -> str:
    where = f"the workspace {invitation.workspace.name} at {site().site_name}" if invitation.workspace else ""
    by = f"{invitation.created_by.email} invites you" if invitation.created_by else "You are invited"
    return (
        f"{by} to {where or site().site_name}. Follow this link to sign up, or to log in if you have an account:"
        f"\n\n{url}\n\nIt works once, until {timezone.localtime(invitation.expires_at):%-d %B %Y}."
    )
