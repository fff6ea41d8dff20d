"""Who may come in: the sign-up mode, and the invitation that a browser carries."""

from django.http import HttpRequest

from accounts.models import Invitation
from accounts.services_invitations import invitation_find

SESSION_KEY = "invitation"


def domains(mode: str) -> list[str]:
    """The mail domains of `domain:acme.org,acme.com`; none in other modes."""
    return [name.strip().lower() for name in mode.removeprefix("domain:").split(",")] if _by_domain(mode) else []


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The open invitation whose link was followed in this browser."""
    token = request.session.get(SESSION_KEY, "") if hasattr(request, "session") else ""
    return invitation_find(token=token) if token else None


def _by_domain(mode: str) -> bool:
    return mode.startswith("domain:")
