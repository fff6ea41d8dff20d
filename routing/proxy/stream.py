"""A streamed answer: open with failover, pump, hold back the end, settle, release.

Chunks are relayed as they come; from the one that finishes the last open choice on they wait for the commit.
Runs in a task of its own: what the response does - read slowly, vanish - cannot disturb the settlement.
"""

import asyncio
import logging

import orjson

from routing import providers, sse
from routing.errors import UpstreamError
from routing.proxy.attempts import first_success
from routing.proxy.chunks import Source, open_source
from routing.proxy.failure import api_error
from routing.proxy.generation import Generation
from routing.proxy.pump import Pump
from routing.proxy.relay import Relay
from routing.proxy.settle import settle, settle_failed, settle_unanswered, usage_json
from routing.runtime import Runtime
from routing.types import Credential, Endpoint
from xroute.api import trouble
from xroute.lib.errors import ApiError, unavailable

logger = logging.getLogger("xroute.stream")
DONE = sse.event(b"[DONE]")


async def run_stream(runtime: Runtime, generation: Generation, relay: Relay) -> None:
    """Write the whole answer into `relay` and close it. Never raises but for its own cancellation."""
    try:
        await _run(runtime, generation, relay)
    except Exception as error:
        _alert(generation, error)
        await _refuse(relay, generation, unavailable("The request failed inside XRoute. Its operator can see why."))


async def _run(runtime: Runtime, generation: Generation, relay: Relay) -> None:
    try:
        endpoint, source = await _open(runtime, generation)
    except UpstreamError as error:
        await settle_unanswered(runtime, generation, error)
        await _refuse(relay, generation, api_error(error, generation))
        return
    except BaseException:
        await settle_failed(runtime, generation, "aborted")
        relay.close(unavailable("The request was ended by the server. Try again."))
        raise
    pump = Pump(runtime, generation, endpoint, source, relay)
    try:
        ending, fault = await pump.run()
    except asyncio.CancelledError:
        # The server stops and can wait no longer: what was relayed is charged, and the task then ends.
        ending, fault = pump.stopped()
    except Exception as error:
        _alert(generation, error)
        ending, fault = pump.failed()
    finally:
        await source.aclose()
    _tell_health(runtime, endpoint, fault)
    result = await settle(runtime, generation, endpoint, ending, source.upstream_id)
    if fault is not None:
        await relay.put(_error_chunk(generation, endpoint.model.slug, fault))
    else:
        await _finish(generation, endpoint, pump, relay, usage_json(result, byok=endpoint.byok))
    relay.close()


def _alert(generation: Generation, error: Exception) -> None:
    logger.error("ALERT stream %s failed inside XRoute\n%s", generation.name, trouble.trace(error))


async def _open(runtime: Runtime, generation: Generation) -> tuple[Endpoint, Source]:
    async def call(endpoint: Endpoint, credential: Credential) -> Source:
        adapter = providers.adapter(endpoint.provider.wire_format)
        request = adapter.request_out(
            endpoint, credential, generation.chat, max_tokens=generation.max_tokens, request_id=generation.request_id
        )
        return await open_source(runtime, generation, endpoint, adapter, request)

    return await first_success(runtime, generation, call)


async def _finish(
    generation: Generation, endpoint: Endpoint, pump: Pump, relay: Relay, usage: dict[str, object]
) -> None:
    for held in pump.held:
        await relay.put(held)
    if generation.chat.include_usage:
        chunk = {
            "id": generation.name,
            "object": "chat.completion.chunk",
            "created": pump.created,
            "model": endpoint.model.slug,
            "provider": endpoint.serves_as,
            "choices": [],
            "usage": usage,
        }
        await relay.put(sse.event(orjson.dumps(chunk)))
    await relay.put(DONE)


async def _refuse(relay: Relay, generation: Generation, error: ApiError) -> None:
    """An HTTP error where nothing was sent; where comments already went out, the error chunk."""
    relay.error = error
    if relay.begun:
        chunk = UpstreamError("server", error.message, code=error.code)
        await relay.put(_error_chunk(generation, generation.endpoints[0].model.slug, chunk))
    relay.close(error)


def _tell_health(runtime: Runtime, endpoint: Endpoint, error: UpstreamError | None) -> None:
    if error is None:
        runtime.health.success(endpoint.id)
    elif error.counts_against_endpoint:
        runtime.health.failure(endpoint.id, error)
    else:
        runtime.health.abandoned(endpoint.id)


def _error_chunk(generation: Generation, model: str, error: UpstreamError) -> bytes:
    """The chunk that ends an interrupted stream; the HTTP status stays 200."""
    chunk = {
        "id": generation.name,
        "object": "chat.completion.chunk",
        "created": int(generation.id.int >> 80) // 1000,
        "model": model,
        "error": {
            "message": error.message,
            "type": "insufficient_quota" if error.code == "insufficient_credits" else "api_error",
            "param": None,
            "code": error.code or ("provider_timeout" if error.kind == "timeout" else "provider_error"),
        },
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }
    return sse.event(orjson.dumps(chunk))
