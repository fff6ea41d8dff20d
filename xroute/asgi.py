"""Two planes, one process: API prefixes go to the lean handler, all else to Django's own."""
# ruff: noqa: E402  (Django must be set up before anything that reads its settings is imported)

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xroute.settings")

import django

django.setup()

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from routing.api.probes import PROBES
from routing.lifecycle import lifespan
from xroute.api import demo
from xroute.api.handler import LeanHandler
from xroute.celery import app as celery_app
from xroute.intake import Gate, Intake, refuse

API_PREFIXES = ("/openai/", "/v1/", "/api/")
_api = LeanHandler("routing.api.urls")
_browser = Intake(
    ASGIHandler(),
    bytes_max=settings.XROUTE_PAGE_BYTES_MAX,
    body_s=settings.XROUTE_PAGE_BODY_S,
    gate=Gate(
        at_once=settings.XROUTE_PAGES_MAX,
        waiting_max=settings.XROUTE_PAGES_WAITING_MAX,
        wait_s=settings.XROUTE_PAGE_WAIT_S,
    ),
)
_demo = settings.XROUTE_MODE == "demo"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["path"] in PROBES:
        await PROBES[scope["path"]](send)
    elif scope["path"].startswith(API_PREFIXES):
        await _api(scope, receive, send)
    elif _demo and (why := demo.refusal(scope)):
        await refuse(send, 403, why)
    else:
        await _browser(scope, receive, send)


__all__ = ["application", "celery_app"]
