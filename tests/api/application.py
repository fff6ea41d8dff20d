"""What test_web.py serves in a process of its own: the lean plane with a lifespan that tells of itself."""

import sys
from typing import Any

import django

django.setup()

from xroute.api.handler import LeanHandler  # noqa: E402

plane = LeanHandler("tests.api.urls")


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "lifespan":
        await plane(scope, receive, send)
        return
    for phase in ("startup", "shutdown"):
        await receive()
        print(phase, file=sys.stdout, flush=True)
        await send({"type": f"lifespan.{phase}.complete"})


async def broken(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
