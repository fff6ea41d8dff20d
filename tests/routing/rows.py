"""Models of a test's own in the catalogue: other providers, other prices, a server that a test scripts itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx

from routing.services import catalogue_load

Upstream = tuple[str, str]  # base URL, and the model's name there
Orm = Callable[..., Awaitable[Any]]


def endpoint(slug: str, upstream_id: str, output_usd: str, **more: Any) -> dict[str, Any]:
    return {
        "model": slug,
        "name": slug,
        "aliases": [],
        "upstream_id": upstream_id,
        "context_length": 100_000,
        "max_output_tokens": 100_000,
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "capabilities": [],
        "usd_per_million": {"input": "1", "output": output_usd},
        **more,
    }


def model_make(*upstreams: Upstream, cancel_stops_billing: bool = True, **more: Any) -> str:
    """A model's slug, served at each of `upstreams` by a provider of its own, the first the cheapest."""
    name = uuid4().hex[:12]
    slug = f"test/{name}"
    files = []
    for number, (url, upstream_id) in enumerate(upstreams):
        provider = {
            "slug": f"{name}-{number}",
            "name": f"{name}-{number}",
            "base_url": url,
            "wire_format": "openai",
            "cancel_stops_billing": cancel_stops_billing,
            "credential_env": "",
            "quirks": ["no_credential"],
        }
        files.append({"provider": provider, "endpoints": [endpoint(slug, upstream_id, str(number + 2), **more)]})
    catalogue_load(files=files)
    return slug


async def known(client: httpx.AsyncClient, slug: str, condition: Callable[[dict[str, Any]], bool] = bool) -> None:
    """Until the worker behind `client` has this model in its catalogue (and as `condition` wants it)."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.get(f"/v1/models/{slug}")
            if answer.status_code == 200 and condition(answer.json()):
                return
            await asyncio.sleep(0.05)
