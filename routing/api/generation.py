"""GET …/generation?id=gen-…: one generation, available the moment its answer ended."""

import asyncio
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from accounts.authentication import BearerAuthentication
from billing import selectors
from billing.pricing import WHOLE_BP, Prices, Usage, cache_saving_nanousd
from routing.api.explain import names_of
from routing.explain import explained
from routing.runtime import Runtime, current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib import ids
from xroute.lib.errors import invalid, unavailable
from xroute.lib.money import usd_float

PRICE = """
SELECT input, output, cached_input, cache_write, reasoning, request, image FROM routing_endpointprice WHERE id = %s"""
TIME_MS_MAX = 253_402_300_799_999  # the end of the year 9999, past which there is no datetime


class GenerationDetail(AsyncAPIView):
    authentication_classes = [BearerAuthentication]

    async def get(self, request: LeanRequest) -> HttpResponse:
        name = request.GET.get("id", "")
        generation_id = ids.generation_id(name)
        if generation_id is None:
            raise invalid("Give ?id=gen-… as it stands in an answer's id.", param="id", code="invalid_id")
        record = await _find(current(), generation_id, request.caller.workspace_id)
        if record is None:
            message = f"There is no generation {name} in this workspace."
            raise invalid(message, param="id", code="generation_not_found", status=404)
        data = generation_json(record, await _cache_discount(current(), record))
        return json_response({"data": data | {"route": _route(record)}})


def _route(record: dict[str, Any]) -> dict[str, Any] | None:
    """Who could have answered, and why it went where it went; None for records older than routes."""
    snapshot = current().catalogue.snapshot
    found = explained(record["route"], record["attempts"], lambda number: names_of(snapshot, number))
    return None if found is None else found.as_json()


async def _find(runtime: Runtime, generation_id: UUID, workspace_id: int) -> dict[str, Any] | None:
    """The record; 503 while it may still stand in the spool of this node."""
    if ids.time_ms(generation_id) > TIME_MS_MAX:
        return None
    waiting = await asyncio.to_thread(runtime.spooling.holds_anything)
    record = await selectors.generation_record(runtime.db, generation_id=generation_id, workspace_id=workspace_id)
    if record is None and waiting:
        raise unavailable("This generation may still be on its way into the ledger. Try again.", retry_after_s=2)
    return record


async def _cache_discount(runtime: Runtime, record: dict[str, Any]) -> int | None:
    """What cached tokens saved (below 0: what writing them cost more), at the prices that were charged.

    None where nothing was cached, where the tokens are not the provider's count, or the price is not known.
    """
    usage = Usage(
        record["prompt_tokens"],
        record["completion_tokens"],
        record["cached_tokens"],
        record["cache_write_tokens"],
        record["reasoning_tokens"],
    )
    if record["basis"] != "reported" or not (usage.cached or usage.cache_write):
        return None
    rows = await runtime.db.fetch(PRICE, (record["price_id"],))
    if not rows:
        return None
    saved = cache_saving_nanousd(Prices(*rows[0]), usage)
    # What was charged is the list price's cost with a margin, or a share of it: the saving is the same share.
    if record["list_nanousd"]:
        return saved * int(record["cost_nanousd"]) // int(record["list_nanousd"])
    return None if record["byok"] else saved * (WHOLE_BP + int(record["margin_bp"])) // WHOLE_BP


def generation_json(record: dict[str, Any], cache_discount: int | None) -> dict[str, Any]:
    """OpenRouter's shape; Times are milliseconds, money USD."""
    prompt, completion = record["prompt_tokens"], record["completion_tokens"]
    return {
        "id": ids.generation_name(record["id"]),
        "upstream_id": record["upstream_id"],
        "request_id": record["request_id"],
        "model": record["model"],
        "provider_name": record["provider"],
        "total_cost": usd_float(record["cost_nanousd"]),
        "usage": usd_float(record["cost_nanousd"]),
        "usage_basis": record["basis"],
        "usage_reason": record["reason"] or None,
        "late": record["late"],
        "cache_discount": None if cache_discount is None else usd_float(cache_discount),
        "is_byok": record["byok"],
        "streamed": record["streamed"],
        "cancelled": record["cancelled"],
        "created_at": record["created_at"].isoformat(),
        "latency": record["first_byte_ms"],
        "generation_time": max(0, record["latency_ms"] - record["first_byte_ms"]),
        "tokens_prompt": prompt,
        "tokens_completion": completion,
        "native_tokens_prompt": prompt,
        "native_tokens_completion": completion,
        "native_tokens_cached": record["cached_tokens"],
        "native_tokens_reasoning": record["reasoning_tokens"],
        "finish_reason": record["finish_reason"] or None,
        "native_finish_reason": record["finish_reason"] or None,
        "provider_responses": record["attempts"],
    }
