"""Times are shown in the zone of whoever looks."""

import zoneinfo
from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class TimeZoneMiddleware:
    """The signed-in person's zone; else the one that the browser names in a cookie; else UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return self._get_response(request)


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The viewer's zone."""
    chosen = getattr(request.user, "time_zone", "") if request.user.is_authenticated else ""
    return zone(chosen or zone_name_of(request))


def zone_name_of(request: HttpRequest) -> str:
    """The zone that the browser names in its cookie (static/js/theme.js); empty where there is none of that name."""
    name = unquote(request.COOKIES.get("xr_tz", ""))
    return name if zone(name).key == name else ""


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of an IANA name; UTC where there is none of that name."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return zoneinfo.ZoneInfo("UTC")


def viewer_zone() -> zoneinfo.ZoneInfo:
    """The zone that this request's times are shown in."""
    found = timezone.get_current_timezone()
    return found if isinstance(found, zoneinfo.ZoneInfo) else zone("")
