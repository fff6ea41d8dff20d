"""POST …/chat/completions: OpenAI's wire format in and out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts.authentication import CallAuthentication
from routing import parse
from routing.proxy.admission import admit
from routing.proxy.generation import CLIENT_GONE, STOPPING, Generation
from routing.proxy.plain import run_plain
from routing.proxy.relay import Relay
from routing.proxy.stream import run_stream
from routing.runtime import Runtime, current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView


class ChatCompletions(AsyncAPIView):
    """A chat completion, plain or streamed."""

    authentication_classes = [CallAuthentication]

    async def post(self, request: LeanRequest) -> HttpResponseBase:
        runtime = current()
        chat = parse.chat_request(request.body)
        headers = runtime.windows.enter(request.caller)
        try:
            generation = await admit(runtime, request.caller, chat, request.request_id)
        except BaseException:
            runtime.windows.leave(request.caller)
            raise
        headers["x-generation-id"] = generation.name
        if chat.stream:
            return await _stream(runtime, request, generation, headers)
        return await _plain(runtime, request, generation, headers)


def _started(runtime: Runtime, generation: Generation, task: "asyncio.Task[object]") -> None:
    """Keep the task alive and known until it ends, whatever becomes of the request."""
    runtime.running.add(generation)
    runtime.tasks.add(task)
    task.add_done_callback(partial(_ended, runtime, generation))


def _ended(runtime: Runtime, generation: Generation, task: "asyncio.Task[object]") -> None:
    runtime.running.discard(generation)
    runtime.tasks.discard(task)
    runtime.windows.leave(generation.caller)
    if not task.cancelled():
        task.exception()


async def _plain(
    runtime: Runtime, request: LeanRequest, generation: Generation, headers: dict[str, str]
) -> HttpResponse:
    task = asyncio.create_task(run_plain(runtime, generation))
    _started(runtime, generation, task)
    request.watch.on_gone = generation.client_gone
    body = await asyncio.shield(task)
    return HttpResponse(body, content_type="application/json", headers=headers)


async def _stream(
    runtime: Runtime, request: LeanRequest, generation: Generation, headers: dict[str, str]
) -> StreamingHttpResponse:
    limits = runtime.limits
    relay = Relay(bytes_max=limits.queue_bytes_max, stall_s=limits.stall_s, keepalive_s=limits.keepalive_s)
    task = asyncio.create_task(run_stream(runtime, generation, relay))
    _started(runtime, generation, task)

    def gone(reason: str = CLIENT_GONE) -> None:
        relay.abandon(gone=True)
        generation.client_gone(reason)

    request.watch.on_gone = gone
    await relay.started(limits.keepalive_s)
    headers |= {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(_body(relay, gone), content_type="text/event-stream", headers=headers)


async def _body(relay: Relay, gone: Callable[[str], None]) -> AsyncIterator[bytes]:
    """What the relay holds. A reader that stops before the end is a client that left, or our own stop: nobody but the
    server at the end of its patience cancels the task of a request."""
    whole = False
    try:
        async for data in relay.read():
            yield data
        whole = True
    finally:
        if not whole:
            task = asyncio.current_task()
            gone(STOPPING if task is not None and task.cancelling() else CLIENT_GONE)
