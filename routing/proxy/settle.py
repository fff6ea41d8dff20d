"""settle: one UsageRecord for every generation that was admitted, whatever became of it."""

import logging
import time

from billing.pricing import Usage, cost_nanousd
from billing.record import UsageRecord
from routing.errors import UpstreamError
from routing.proxy.ending import ABOVE_MAX, Charge, Ending, charge
from routing.proxy.generation import STOPPING, Generation
from routing.proxy.route import saved_nanousd
from routing.runtime import Runtime
from routing.types import Endpoint
from xroute.lib.money import usd_float

logger = logging.getLogger("xroute.settle")
ALERT_EVERY_S = 3600


async def settle(
    runtime: Runtime, generation: Generation, endpoint: Endpoint, ending: Ending, upstream_id: str
) -> Charge:
    """Book the generation; it is in the ledger or the spool when this returns."""
    result = charge(ending, generation, endpoint)
    if result.reason == ABOVE_MAX:
        _alert_above_max(runtime, generation, endpoint, result)
    if ending.how == "complete" and result.basis == "reported":
        runtime.expected.note(generation.caller.key_id, endpoint.model.slug, result.usage.completion)
    runtime.windows.note_tokens(generation.caller, result.usage.prompt + result.usage.completion)
    record = _record(generation, endpoint, result)
    record.upstream_id = upstream_id
    record.finish_reason = ending.finish_reason
    await runtime.meter.settle(record, generation.hold, runtime.lease.worker_id)
    return result


def _alert_above_max(runtime: Runtime, generation: Generation, endpoint: Endpoint, result: Charge) -> None:
    """Once an hour for an endpoint: whoever runs this should look, and one look is enough."""
    now = time.monotonic()
    if now - runtime.alerted_above_max.get(endpoint.id, -ALERT_EVERY_S) < ALERT_EVERY_S:
        return
    runtime.alerted_above_max[endpoint.id] = now
    logger.error(
        "ALERT %s at %s reported %s completion tokens, far above the maximum it was sent; %s is billed as reported",
        endpoint.model.slug,
        endpoint.serves_as,
        result.usage.completion,
        generation.name,
    )


async def settle_unanswered(runtime: Runtime, generation: Generation, error: UpstreamError) -> None:
    """Book a generation of which no endpoint has said anything.

    A client that left after the prompt was sent owes the prompt, as an estimate; where we stopped, the house does.
    """
    endpoint = generation.tried
    if not generation.gone or not error.may_be_billed or endpoint is None:
        await settle_failed(runtime, generation, generation.gone_reason or error.kind)
    elif generation.gone_reason == STOPPING:
        usage = Usage(prompt=generation.chat.prompt_tokens_expected, images=generation.chat.images)
        generation.house += cost_nanousd(endpoint.house_prices, usage)
        await settle_failed(runtime, generation, STOPPING)
    else:
        await settle(runtime, generation, endpoint, Ending("client", None, 0, reason=generation.gone_reason), "")


async def settle_failed(runtime: Runtime, generation: Generation, reason: str) -> None:
    """Book a generation that no endpoint answered: nothing is charged, the attempts are kept."""
    endpoint = generation.endpoints[0]
    record = _record(generation, endpoint, Charge("not_charged", reason, Usage()))
    record.provider = str(generation.attempts[-1]["provider"]) if generation.attempts else ""
    await runtime.meter.settle(record, generation.hold, runtime.lease.worker_id)


def _record(generation: Generation, endpoint: Endpoint, result: Charge) -> UsageRecord:
    caller, charged = generation.caller, result.basis != "not_charged"
    return UsageRecord(
        id=generation.id,
        workspace_id=caller.workspace_id,
        account_id=caller.account_id,
        key_id=caller.key_id,
        period=generation.period,
        request_id=generation.request_id,
        model=endpoint.model.slug,
        provider=endpoint.serves_as,
        endpoint_id=endpoint.id,
        price_id=endpoint.price_id,
        streamed=generation.chat.stream,
        cancelled=generation.gone,
        basis=result.basis,
        reason=result.reason,
        usage=result.usage,
        cost=result.cost,
        house=result.house + generation.house,
        latency_ms=generation.elapsed_ms,
        first_byte_ms=generation.first_byte_ms,
        attempts=generation.attempts,
        list_cost=cost_nanousd(endpoint.list_prices, result.usage) if charged else 0,
        margin_bp=endpoint.margin_bp,
        byok=endpoint.byok,
        route=generation.route | ({"saved": saved_nanousd(generation, result.usage, result.cost)} if charged else {}),
    )


def usage_json(result: Charge, *, byok: bool = False) -> dict[str, object]:
    """The usage object of answers (see docs: usage and cost)."""
    usage = result.usage.normalised()
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        "cost": usd_float(result.cost),
        "is_byok": byok,
    }
