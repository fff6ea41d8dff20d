"""Error pages of the browser plane. They ask neither database nor session, so they stand when those do not."""

import sys
from dataclasses import dataclass

import redis.exceptions
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from xroute.api import trouble
from xroute.lib.pg import Outage

FAULTS = (OperationalError, InterfaceError, Outage, redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a page of an error says."""

    title: str
    text: str


TROUBLES = {
    400: Trouble(
        "That request was not understood", "Something in it is malformed or too large. Go back and try again."
    ),
    403: Trouble("You may not open this", "Your role does not include it. Ask an owner of the workspace."),
    404: Trouble("There is nothing here", "The page does not exist, or it belongs to a workspace that you are not in."),
    405: Trouble("That does not work this way", "Open the page anew and use its buttons."),
    429: Trouble("Too many tries", "For everybody's safety this is slowed down. Wait a few minutes and try again."),
    500: Trouble("Something broke on our side", "It was noted with its time. Nothing was charged for it."),
    503: Trouble("Back in a moment", "A part of this installation is restarting. Nothing is lost; try again shortly."),
}
RETRY_AFTER_S = {429: 60, 503: 5}


def error_page(request: HttpRequest, status: int, text: str = "") -> HttpResponse:
    """The page of `status`; for htmx only the message itself."""
    found = TROUBLES.get(status, TROUBLES[500])
    values = {"status": status, "title": found.title, "text": text or found.text}
    name = "errors/fragment.html" if request.headers.get("HX-Request") else "errors/page.html"
    response = HttpResponse(render_to_string(name, values), status=status)
    if status in RETRY_AFTER_S:
        response["Retry-After"] = str(RETRY_AFTER_S[status])
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, str(exception) if exception.args else "")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return error_page(request, 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """allauth's limits end here (handler429)."""
    return error_page(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """An infrastructure fault is a 503; anything else a 500. The log says where it arose, never what was in it."""
    error = sys.exc_info()[1]
    outage = isinstance(error, FAULTS)
    if error is not None:
        trouble.log(error, request, "", outage=outage)
    return error_page(request, 503 if outage else 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """A form without its token: mostly one that stood open while its cookie ended."""
    return error_page(request, 403, "This form has gone stale. Go back, load the page anew and send it again.")
