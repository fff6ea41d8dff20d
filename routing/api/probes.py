"""GET /healthz (the process runs) and /readyz (it can serve), outside of both planes.

A probe must not share the limits of what it watches: a liveness probe that is refused under load would have busy
workers restarted, and an orchestrator's probe comes with whatever Host it likes.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from routing.runtime import current
from xroute.lib.errors import ApiError

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def health(send: Send) -> None:
    """200 as long as the event loop turns."""
    await _answer(send, 200, {"status": "ok"})


async def ready(send: Send) -> None:
    """200 where requests can be served, else 503 and why not."""
    try:
        reason = current().ready
    except ApiError:
        reason = "starting"
    if reason:
        await _answer(send, 503, {"status": "unavailable", "reason": reason})
    else:
        await _answer(send, 200, {"status": "ready"})


async def _answer(send: Send, status: int, body: dict[str, str]) -> None:
    data = orjson.dumps(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    if status != 200:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


PROBES: dict[str, Callable[[Send], Awaitable[None]]] = {"/healthz": health, "/readyz": ready}
