"""Log what went wrong on our side, without the body, the key or any exception's own words."""

import logging
import traceback

from django.http import HttpRequest

logger = logging.getLogger("xroute.api")
CAUSES_MAX = 5
FRAMES_MAX = 20


def log(error: BaseException, request: HttpRequest, request_id: str, *, outage: bool = False) -> None:
    """One line for an outage, which would else write a traceback for every request; else where it arose."""
    where = (request_id, request.method, request.path)
    if outage:
        logger.warning("request %s, %s %r: unavailable, %s", *where, type(error).__qualname__)
    else:
        logger.error("request %s, %s %r failed\n%s", *where, trace(error))


def trace(error: BaseException) -> str:
    """Where `error` and its causes arose. Their messages are left out: they may quote a prompt or a key."""
    shown: list[str] = []
    current: BaseException | None = error
    while current is not None and len(shown) < CAUSES_MAX:
        frames = "".join(traceback.format_tb(current.__traceback__, limit=-FRAMES_MAX))
        shown.append(f"{frames}{type(current).__module__}.{type(current).__qualname__}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nbecause of\n".join(shown)
