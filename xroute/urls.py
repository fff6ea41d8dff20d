"""The browser plane. The API plane has a URLconf of its own: routing.api.urls (see xroute/asgi.py)."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path


def front(_request: HttpRequest) -> HttpResponse:
    """Say what this is until the dashboard stands here."""
    return HttpResponse("XRoute is running. See README.md for the first call.\n", content_type="text/plain")


urlpatterns: list[URLPattern] = [path("", front)]
