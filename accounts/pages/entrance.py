"""allauth's views, inside our frame: each form is one transaction, and the frame knows the viewer's workspace.

A form that is refused comes back as 422, and one that came too often as 429.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from allauth import urls as allauth_urls
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver

from accounts.access import workspace_show

View = Callable[..., HttpResponseBase]
TOO_MANY = {"too_many_login_attempts", "rate_limited"}
RETRY_AFTER_S = 300


def framed(view: View) -> View:
    """A mail and what caused it are stored together or not at all."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        workspace_show(request)
        if request.method != "POST":
            return _ours(view(request, *args, **kwargs))
        with transaction.atomic():
            return _refused(_ours(view(request, *args, **kwargs)))

    return wrapped


def _ours(response: HttpResponseBase) -> HttpResponseBase:
    """`site` is the installation (accounts/context.py), not allauth's notion of one."""
    values = getattr(response, "context_data", None)
    if values:
        values.pop("site", None)
    return response


def _refused(response: HttpResponseBase) -> HttpResponseBase:
    form = (getattr(response, "context_data", None) or {}).get("form")
    if response.status_code != 200 or form is None or not form.errors:
        return response
    response.status_code = 422
    if TOO_MANY & {error.code for errors in form.errors.as_data().values() for error in errors}:
        response.status_code = 429
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def allauth_patterns() -> list[URLPattern | URLResolver]:
    """Everything that allauth serves, framed."""
    return _framed(allauth_urls.urlpatterns)


def _framed(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = []
    for entry in patterns:
        if isinstance(entry, URLResolver):
            found.append(URLResolver(entry.pattern, _framed(entry.url_patterns), entry.default_kwargs))
        else:
            found.append(URLPattern(entry.pattern, framed(entry.callback), entry.default_args, entry.name))
    return found
