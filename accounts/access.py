"""Who may open a page: signed in, a member of the current workspace with a role, an operator.

Another workspace's objects are 404, never 403: a stranger cannot tell that they exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast, overload

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Membership, Role, User, Workspace

P = ParamSpec("P")
ANYONE = (Role.OWNER, Role.ADMIN, Role.MEMBER)
MANAGERS = (Role.OWNER, Role.ADMIN)
SESSION_KEY = "workspace_id"


class PageRequest(HttpRequest):
    """The request of a page inside a workspace."""

    user: User
    workspace: Workspace
    membership: Membership


View = Callable[Concatenate[PageRequest, P], HttpResponse]
Plain = Callable[Concatenate[HttpRequest, P], HttpResponse]


def memberships_of(request: HttpRequest) -> list[Membership]:
    """The viewer's memberships of open workspaces, oldest first; read once a request."""
    found: list[Membership] | None = getattr(request, "_memberships", None)
    if found is None:
        user = getattr(request, "user", None)
        found = []
        if user is not None and user.is_authenticated:
            rows = (
                Membership.objects.filter(user_id=user.pk, workspace__closed_at__isnull=True)
                .select_related("workspace")
                .order_by("id")
            )
            found = list(rows)
        cast(Any, request)._memberships = found
    return found


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership that the session has chosen, else the first one."""
    found = memberships_of(request)
    chosen = request.session.get(SESSION_KEY)
    return next((row for row in found if row.workspace_id == chosen), found[0] if found else None)


def workspace_show(request: HttpRequest) -> None:
    """Let a page that belongs to no workspace show the viewer's current one in its frame, where there is one."""
    membership = current_membership(request) if request.user.is_authenticated else None
    if membership is not None:
        page = cast(PageRequest, request)
        page.membership, page.workspace = membership, membership.workspace


@overload
def workspace_page(view: View[P]) -> Plain[P]: ...
@overload
def workspace_page(*, roles: tuple[str, ...]) -> Callable[[View[P]], Plain[P]]: ...
def workspace_page(view: View[P] | None = None, *, roles: tuple[str, ...] = ANYONE) -> Any:
    """A page of the current workspace, for members with one of `roles`."""

    def decorate(inner: View[P]) -> Plain[P]:
        @wraps(inner)
        @login_required
        def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            membership = current_membership(request)
            if membership is None:
                return redirect("workspace_missing")
            if membership.role not in roles:
                raise PermissionDenied("Only an owner or admin of the workspace may do this. Ask one of them.")
            page = cast(PageRequest, request)
            page.membership, page.workspace = membership, membership.workspace
            return inner(page, *args, **kwargs)

        return cast("Plain[P]", wrapped)

    return decorate if view is None else decorate(view)


def operator_page(view: View[P]) -> Plain[P]:
    """A page for operators of the installation; no workspace role opens it."""

    @wraps(view)
    @login_required
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not cast(User, request.user).is_operator:
            raise PermissionDenied("Only an operator of this installation may open this.")
        workspace_show(request)
        return view(cast(PageRequest, request), *args, **kwargs)

    return cast("Plain[P]", wrapped)
