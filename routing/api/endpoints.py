"""GET …/models/{author}/{slug}/endpoints: who serves a model, at which price, and how it went there lately."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse

from routing.api.models import architecture_json, found_model, parameters, pricing_json
from routing.runtime import current
from routing.types import Endpoint, Figures
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response

NOTHING = Figures()


def per_cent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 3)


def endpoint_json(endpoint: Endpoint, figures: Figures, *, status: int) -> dict[str, Any]:
    """OpenRouter's shape: uptime in per cent, latency in milliseconds, throughput in tokens a second."""
    tag = f"{endpoint.provider.slug}/{endpoint.quantization}" if endpoint.quantization else endpoint.provider.slug
    return {
        "name": f"{endpoint.serves_as} | {endpoint.model.slug}",
        "model_id": endpoint.model.slug,
        "model_name": endpoint.model.name,
        "context_length": endpoint.context_length,
        "pricing": pricing_json(endpoint.prices),
        "provider_name": endpoint.serves_as,
        "tag": tag,
        "quantization": endpoint.quantization or None,
        "max_completion_tokens": endpoint.max_output_tokens,
        "max_prompt_tokens": endpoint.context_length,
        "supported_parameters": parameters(endpoint.capabilities),
        "supports_implicit_caching": endpoint.prices.cached_input is not None,
        "status": status,
        "uptime_last_5m": per_cent(figures.uptime_5m),
        "uptime_last_30m": per_cent(figures.uptime_30m),
        "uptime_last_1d": per_cent(figures.uptime_1d),
        "latency_last_30m": figures.latency_ms and asdict(figures.latency_ms),
        "throughput_last_30m": figures.throughput_tps and asdict(figures.throughput_tps),
    }


def endpoints_json(
    endpoints: tuple[Endpoint, ...], figures: Mapping[int, Figures], status: Mapping[int, int]
) -> dict[str, Any]:
    """A model with all that serve it."""
    model = endpoints[0].model
    found = [
        endpoint_json(endpoint, figures.get(endpoint.id, NOTHING), status=status.get(endpoint.id, 0))
        for endpoint in endpoints
    ]
    return {
        "id": model.slug,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "architecture": architecture_json(model),
        "endpoints": found,
    }


class ModelEndpoints(AsyncAPIView):
    public = True

    async def get(self, _request: LeanRequest, name: str) -> HttpResponse:
        runtime = current()
        snapshot = runtime.catalogue.snapshot
        endpoints = tuple(snapshot.endpoints[found_model(snapshot, name)])
        # As OpenRouter has it: 0 is in order, what is below is not.
        status = {one.id: 0 if runtime.health.available(one) else -1 for one in endpoints}
        return json_response({"data": endpoints_json(endpoints, runtime.catalogue.figures, status)})
