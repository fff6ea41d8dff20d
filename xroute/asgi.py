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

API_PREFIXES = ("/openai/", "/v1/", "/api/")
_api = LeanHandler("routing.api.urls")
_browser = ASGIHandler()
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
        await _forbid(send, why)
    else:
        await _browser(scope, receive, send)


async def _forbid(send: Any, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"{why}\n".encode()})


__all__ = ["application", "celery_app"]
