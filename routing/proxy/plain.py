"""A whole answer: call, settle, answer. Runs in a task of its own; no client can disturb the settlement."""

import orjson

from routing import providers
from routing.errors import UpstreamError
from routing.proxy.attempts import first_success
from routing.proxy.ending import Ending
from routing.proxy.failure import api_error
from routing.proxy.generation import Generation, Interrupt
from routing.proxy.settle import settle, settle_failed, settle_unanswered, usage_json
from routing.runtime import Runtime
from routing.types import Answer, Credential, Endpoint
from routing.upstream import left


async def run_plain(runtime: Runtime, generation: Generation) -> bytes:
    """The body of the answer, when it is in the ledger or the spool; raises ApiError."""
    try:
        endpoint, answer = await _call(runtime, generation)
    except UpstreamError as error:
        await settle_unanswered(runtime, generation, error)
        raise api_error(error, generation) from error
    except BaseException:
        await settle_failed(runtime, generation, "aborted")
        raise
    runtime.health.success(endpoint.id)
    ending = Ending("complete", answer.usage, answer.output_bytes, answer.finish_reason or "")
    result = await settle(runtime, generation, endpoint, ending, answer.upstream_id)
    body = answer.body
    body["id"] = generation.name
    body["model"] = endpoint.model.slug
    body["provider"] = endpoint.serves_as
    body["usage"] = usage_json(result, byok=endpoint.byok)
    return orjson.dumps(body)


async def _call(runtime: Runtime, generation: Generation) -> tuple[Endpoint, Answer]:
    interrupt = Interrupt()

    async def call(endpoint: Endpoint, credential: Credential) -> Answer:
        # Aborting helps only where it stops the provider's bill; elsewhere the answer's true usage is awaited.
        generation.interruptible(interrupt.now if endpoint.provider.cancel_stops_billing else None)
        adapter = providers.adapter(endpoint.provider.wire_format)
        request = adapter.request_out(
            endpoint, credential, generation.chat, max_tokens=generation.max_tokens, request_id=generation.request_id
        )
        try:
            async with interrupt.scope():
                status, headers, body = await runtime.upstream.fetch(request, timeout_s=runtime.limits.total_s)
        except TimeoutError:
            raise left() from None
        generation.first_byte_ms = generation.elapsed_ms
        if status != 200:
            raise adapter.error_in(status, headers, body)
        return adapter.response_in(body, generation.chat)

    try:
        return await first_success(runtime, generation, call)
    finally:
        generation.interruptible(None)
