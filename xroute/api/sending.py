"""Send a Django response over ASGI: a plain one at once, a stream chunk by chunk as it comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from xroute.api import cors, trouble
from xroute.api.request import LeanRequest

Send = Callable[[dict[str, Any]], Awaitable[None]]
BODYLESS = (204, 304)


async def send_response(request: LeanRequest, response: HttpResponseBase, send: Send, *, stall_s: float) -> None:
    """Send `response`, whole or until the client is gone. Cookies are not sent: this plane has none."""
    if isinstance(response, StreamingHttpResponse):
        await _send_stream(request, response, send, stall_s)
    else:
        await _send_plain(request, cast(HttpResponse, response), send)


def _start(request: LeanRequest, response: HttpResponseBase, length: int | None) -> dict[str, Any]:
    headers = [(name.lower().encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    headers.append((b"x-request-id", request.request_id.encode()))
    if length is not None and response.status_code not in BODYLESS:
        headers.append((b"content-length", b"%d" % length))
    if "HTTP_ORIGIN" in request.META:
        headers += cors.ON_ANSWERS
    if request.incoming.ends_connection:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


async def _send_plain(request: LeanRequest, response: HttpResponse, send: Send) -> None:
    content = response.content
    start = _start(request, response, None if response.has_header("Content-Length") else len(content))
    if request.method == "HEAD" or response.status_code in BODYLESS:
        content = b""
    request.watch.end()
    await send(start)
    if request.incoming.ends_connection:
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await request.incoming.discard()
        content = b""
    await send({"type": "http.response.body", "body": content})


async def _send_stream(request: LeanRequest, response: StreamingHttpResponse, send: Send, stall_s: float) -> None:
    # Django's own wrappers are left out: closing them leaves the iterator they wrap to the garbage collector.
    chunks = aiter(response._iterator)  # type: ignore[attr-defined]
    request.watch.begin()
    try:
        await send(_start(request, response, None))
        if request.method == "HEAD" or await _relay(request, chunks, send, stall_s):
            request.watch.end()
            await send({"type": "http.response.body"})
    except Exception as error:
        # The status is out already. Not completing the answer makes the server cut the connection,
        # so that the client cannot take what it got for the whole.
        trouble.log(error, request, request.request_id)
    finally:
        if hasattr(chunks, "aclose"):
            await chunks.aclose()


async def _relay(request: LeanRequest, chunks: AsyncIterator[Any], send: Send, stall_s: float) -> bool:
    """Whether all chunks went out. False: the client is gone, or took nothing for `stall_s` seconds."""
    gone = request.disconnected
    async for chunk in chunks:
        if gone.is_set():
            return False
        if not chunk:
            continue
        body = chunk if isinstance(chunk, bytes) else str(chunk).encode()
        try:
            async with asyncio.timeout(stall_s):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            gone.set()
            return False
    return not gone.is_set()
