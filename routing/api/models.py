"""GET …/models and …/models/{name}: OpenAI's list with OpenRouter's keys beside."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse

from billing.pricing import Prices
from routing.auto import AUTO
from routing.catalogue import Snapshot
from routing.runtime import current
from routing.sandbox import FAULTS
from routing.types import Endpoint, Model
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.errors import invalid

PARAMETERS = {
    "tools": ("tools", "tool_choice"),
    "json_schema": ("response_format", "structured_outputs"),
    "reasoning": ("reasoning_effort",),
    "logprobs": ("logprobs", "top_logprobs"),
}
ALWAYS = ("max_tokens", "max_completion_tokens", "stop", "stream", "temperature", "top_p")
_rendered: tuple[int, bytes] = (-1, b"")


def usd_per_token(price: int | None) -> str | None:
    """A price (nano-USD per million) as USD per token, in plain decimal notation."""
    return None if price is None else f"{Decimal(price).scaleb(-15).normalize():f}"


def pricing_json(prices: Prices) -> dict[str, str]:
    """What the caller pays, as USD in strings; classes without a price of their own are left out."""
    found = {
        "prompt": usd_per_token(prices.input),
        "completion": usd_per_token(prices.output),
        "request": usd_per_token(prices.request * 1_000_000),
        "image": usd_per_token(prices.image * 1_000_000),
        "input_cache_read": usd_per_token(prices.cached_input),
        "input_cache_write": usd_per_token(prices.cache_write),
    }
    return {name: price for name, price in found.items() if price is not None}


def architecture_json(model: Model) -> dict[str, Any]:
    """Modalities in and out."""
    return {
        "input_modalities": list(model.input_modalities),
        "output_modalities": list(model.output_modalities),
        "tokenizer": "Other",
    }


def parameters(flags: frozenset[str]) -> list[str]:
    """The request's parameters that an endpoint of these capabilities takes."""
    return sorted({name for flag in flags.intersection(PARAMETERS) for name in PARAMETERS[flag]}.union(ALWAYS))


def model_json(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """One model, with the price of its cheapest endpoint."""
    cheapest = min(endpoints, key=lambda endpoint: (endpoint.prices.input + endpoint.prices.output, endpoint.id))
    model = cheapest.model
    return {
        "id": model.slug,
        "object": "model",
        "created": model.created,
        "owned_by": model.slug.partition("/")[0],
        "name": model.name,
        "aliases": list(model.aliases),
        "description": model.description,
        "context_length": max(endpoint.context_length for endpoint in endpoints),
        "architecture": architecture_json(model),
        "pricing": pricing_json(cheapest.prices),
        "top_provider": {
            "context_length": cheapest.context_length,
            "max_completion_tokens": cheapest.max_output_tokens,
        },
        "supported_parameters": parameters(frozenset().union(*(endpoint.capabilities for endpoint in endpoints))),
    }


def auto_json(models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`xroute/auto` among `models`: it can what they can, at the price (-1: it varies) of the one that it chooses."""
    modalities = {name for model in models for name in model["architecture"]["input_modalities"]}
    longest = max(models, key=lambda model: int(model["context_length"]))
    architecture = {"input_modalities": sorted(modalities), "output_modalities": ["text"], "tokenizer": "Other"}
    return {
        "id": AUTO,
        "object": "model",
        "created": max(model["created"] for model in models),
        "owned_by": "xroute",
        "name": "Auto",
        "aliases": [],
        "description": "Chooses a model by the size of the request, what it needs, and a cap on the price.",
        "context_length": longest["context_length"],
        "architecture": architecture,
        "pricing": {"prompt": "-1", "completion": "-1", "request": "-1", "image": "-1"},
        "top_provider": longest["top_provider"],
        "supported_parameters": sorted({name for model in models for name in model["supported_parameters"]}),
    }


def found_model(snapshot: Snapshot, name: str) -> str:
    """The slug that `name` stands for; raises ApiError 404 with names near it."""
    slug = snapshot.slug(name)
    if slug is None:
        hint = ", ".join(snapshot.similar(name)) or "GET /openai/v1/models lists all"
        message = f"The model {name[:200]!r} does not exist. Near it: {hint}."
        raise invalid(message, param="model", code="model_not_found", status=404)
    return slug


def listed(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every model but those that fail on purpose."""
    return [model_json(endpoints) for slug, endpoints in snapshot.endpoints.items() if not slug.startswith(FAULTS)]


def rendered(snapshot: Snapshot) -> bytes:
    """The whole list, rendered once for each snapshot."""
    global _rendered
    if _rendered[0] != snapshot.version:
        data = listed(snapshot)
        data += [auto_json(data)] if data else []
        _rendered = (snapshot.version, orjson.dumps({"object": "list", "data": data}))
    return _rendered[1]


class ModelList(AsyncAPIView):
    public = True

    async def get(self, _request: LeanRequest) -> HttpResponse:
        return json_response(rendered(current().catalogue.snapshot))


class ModelDetail(AsyncAPIView):
    public = True

    async def get(self, _request: LeanRequest, name: str) -> HttpResponse:
        snapshot = current().catalogue.snapshot
        if name == AUTO:
            return json_response(auto_json(listed(snapshot)))
        return json_response(model_json(snapshot.endpoints[found_model(snapshot, name)]))
