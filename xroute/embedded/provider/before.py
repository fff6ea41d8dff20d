"""Faults that strike before the first byte of an answer: errors, other servers' pages, redirects, silence."""

import gzip
from asyncio import to_thread
from functools import cache

from xroute.embedded.provider import shapes
from xroute.embedded.provider.client import JSON, Client
from xroute.embedded.provider.faults import Fault, flaky_now
from xroute.embedded.provider.stream import EVENTS, HOUR_S

BOMB_BYTES = 50 * 2**20
HEADS = ("cut-head", "eof-head", "silence-head")
MISSING_BYTES = b"1000"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


async def failed(fault: Fault, client: Client, *, stream: bool, count: int, switched: bool) -> bool:
    """Whether a fault was the whole answer. `count` is which request of this model it is, from 1."""
    status = _status(fault, count, switched)
    if status:
        wait_s = fault.number if fault.kind == "limited" else 1
        extra = [(b"retry-after", b"%d" % wait_s)] if status == 429 else []
        await client.answer(status, shapes.status_error(status), *extra)
    elif fault.kind == "html":
        await client.answer(fault.number, HTML, kind=(b"content-type", b"text/html"))
    elif fault.kind == "redirect":
        await client.answer(307, b"", (b"location", b"http://127.0.0.1:1/"))
    elif fault.kind == "gzip":
        bomb = await to_thread(_bomb, stream)
        await client.answer(200, bomb, (b"content-encoding", b"gzip"), kind=EVENTS if stream else JSON)
    elif fault.kind == "silence" and not (stream and fault.number >= 0):
        await client.pause(HOUR_S)
        await client.answer(504, shapes.status_error(504))
    elif fault.kind in HEADS:
        await _head_only(fault.kind, client, stream)
    elif not stream and fault.kind in ("error-200", "garbage"):
        await client.answer(200, shapes.status_error(500) if fault.kind == "error-200" else b"{this is not json")
    elif not stream and fault.kind == "error-midstream":
        await client.answer(500, shapes.status_error(500))
    else:
        return False
    return True


async def _head_only(kind: str, client: Client, stream: bool) -> None:
    """The head, and then nothing: the server closes where the answer is not ended."""
    length = [(b"content-length", MISSING_BYTES)] if kind == "cut-head" and not stream else []
    await client.start(200, EVENTS if stream else JSON, *length)
    if kind == "silence-head":
        await client.pause(HOUR_S)
    elif kind == "eof-head":
        await client.end()


def _status(fault: Fault, count: int, switched: bool) -> int:
    """Of a plain HTTP error, else 0."""
    if fault.kind == "status":
        return fault.number
    if fault.kind == "limited":
        return 429
    flaky = fault.kind == "flaky" and flaky_now(count, fault.number)
    return 500 if flaky or (fault.kind == "toggle" and switched) else 0


@cache
def _bomb(stream: bool) -> bytes:
    """gzip of a valid answer of 50 MB."""
    start, end = shapes.around_content(stream)
    return gzip.compress(start + b"x" * BOMB_BYTES + end, 6)
