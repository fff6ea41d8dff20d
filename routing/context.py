"""The banner of every page while this installation takes no calls."""

from django.http import HttpRequest

from routing.runtime import current
from xroute.lib.errors import ApiError


def outage(request: HttpRequest) -> dict[str, str]:  # noqa: ARG001
    """`outage` says why calls are refused right now; empty where they are not, and in processes that serve none."""
    try:
        return {"outage": current().ready}
    except ApiError:
        return {"outage": ""}
