"""What every page knows: the installation, the viewer's workspaces, the current one."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import memberships_of
from accounts.installation import site as site_in_force
from accounts.mail.outbox import mailbox_open


def site(request: HttpRequest) -> dict[str, Any]:
    """Lazily: an error page or a fragment that shows none of it asks nothing."""
    return {
        "site": SimpleLazyObject(site_in_force),
        "demo": settings.XROUTE_MODE == "demo",
        "mailbox_open": mailbox_open(),
        "memberships": SimpleLazyObject(lambda: memberships_of(request)),
        "membership": getattr(request, "membership", None),
        "workspace": getattr(request, "workspace", None),
    }
