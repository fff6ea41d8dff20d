"""GET …/models/{author}/{slug}/endpoints: for everybody, in OpenRouter's shape."""

import asyncio
import time

import httpx
import pytest

from billing.rollups import rollups_add
from routing.models import Endpoint, EndpointFigures, Model
from routing.tasks import measure_endpoints
from tests.routing.calls import stream
from tests.routing.rows import known, model_make

MODEL_FIELDS = {"id", "name", "created", "description", "architecture", "endpoints"}
FIELDS = {
    *("name", "model_id", "model_name", "context_length", "pricing", "provider_name", "tag", "quantization"),
    *("max_completion_tokens", "max_prompt_tokens", "supported_parameters", "supports_implicit_caching", "status"),
    *("uptime_last_5m", "uptime_last_30m", "uptime_last_1d", "latency_last_30m", "throughput_last_30m"),
}


@pytest.mark.parametrize("prefix", ["/openai/v1", "/v1", "/api/v1"])
async def test_everybody_sees_each_provider_of_a_model(client, prefix):
    answer = await client.get(f"{prefix}/models/sandbox/three/endpoints")
    assert answer.status_code == 200
    found = answer.json()["data"]
    assert set(found) == MODEL_FIELDS
    assert found["id"] == "sandbox/three"
    assert len(found["endpoints"]) == 3
    for one in found["endpoints"]:
        assert set(one) == FIELDS
        assert one["model_id"] == "sandbox/three"
        assert isinstance(one["status"], int)
    assert len({one["pricing"]["prompt"] for one in found["endpoints"]}) > 1


async def test_an_alias_is_resolved_and_an_unknown_name_is_404(client):
    for name in ("sandbox/ecko", "nothing", "a/b/c", "x" * 300):
        answer = await client.get(f"/v1/models/{name}/endpoints")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert (await client.get("/v1/models/sandbox/echo/endpoints/endpoints")).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_it_is_read_only(client, owner, method):
    answer = await client.request(method, "/v1/models/sandbox/echo/endpoints", headers=owner.headers, json={})
    assert answer.status_code == 405


def figures_of(slug: str, **figures) -> None:
    row = Endpoint.objects.get(model__slug=slug)
    EndpointFigures.objects.update_or_create(endpoint=row, defaults={"figures": figures})


async def test_figures_are_shown_in_per_cent_milliseconds_and_tokens_a_second(client, orm, sandbox):
    slug = await orm(model_make, (f"{sandbox.url}/v1", "sandbox/echo"))
    spread = {"p50": 120.5, "p75": 130, "p90": 150, "p99": 300}
    await orm(figures_of, slug, requests_1d=3, uptime_5m=None, uptime_30m=1, uptime_1d=2 / 3, latency_ms=spread)
    await known(client, slug)
    path = f"/v1/models/{slug}/endpoints"
    while (one := (await client.get(path)).json()["data"]["endpoints"][0])["uptime_last_1d"] is None:
        pass  # read every ten seconds
    assert (one["uptime_last_5m"], one["uptime_last_30m"], one["uptime_last_1d"]) == (None, 100, 66.667)
    assert (one["latency_last_30m"], one["throughput_last_30m"]) == (spread, None)


async def test_prices_are_the_sale_prices_and_the_tag_names_the_variant(client, orm, sandbox):
    slug = await orm(model_make, (f"{sandbox.url}/v1", "sandbox/echo"))

    def margin() -> None:
        Endpoint.objects.filter(model__slug=slug).update(quantization="fp8")
        Model.objects.filter(slug=slug).update(margin_bp=5000)

    await orm(margin)
    await known(client, slug, lambda found: found["pricing"]["prompt"] == "0.0000015")
    (one,) = (await client.get(f"/v1/models/{slug}/endpoints")).json()["data"]["endpoints"]
    assert (one["pricing"]["prompt"], one["pricing"]["completion"]) == ("0.0000015", "0.000003")
    assert (one["quantization"], one["tag"]) == ("fp8", f"{slug.partition('/')[2]}-0/fp8")
    assert one["max_prompt_tokens"] == 100_000


async def shown(client: httpx.AsyncClient, slug: str) -> dict:
    answer = await client.get(f"/api/v1/models/{slug}/endpoints")
    assert answer.status_code == 200, answer.text
    (only,) = answer.json()["data"]["endpoints"]
    return only


async def test_every_worker_has_them_within_half_a_minute(web, web_factory, sandbox, owner, orm):
    """The worker that served, and another one; the tasks run as often as Celery's beat has them run."""
    slug = await orm(model_make, (f"{sandbox.url}/v1", "sandbox/echo"))
    other = await asyncio.to_thread(web_factory)
    async with (
        httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as here,
        httpx.AsyncClient(base_url=other.url, trust_env=False, timeout=30) as there,
    ):
        await known(here, slug)
        await known(there, slug)
        assert (await shown(here, slug))["uptime_last_5m"] is None
        await stream(here, owner, "[[tokens=50]] [[delay_ms=5]]", slug)
        began = time.monotonic()
        await orm(rollups_add)
        await orm(measure_endpoints)
        for client in (here, there):
            while (found := await shown(client, slug))["uptime_last_5m"] is None:
                assert time.monotonic() - began < 60
                await asyncio.sleep(0.2)
            assert (found["uptime_last_5m"], found["uptime_last_30m"], found["uptime_last_1d"]) == (100, 100, 100)
            assert 0 < found["latency_last_30m"]["p50"] <= found["latency_last_30m"]["p99"]
            assert found["throughput_last_30m"]["p50"] >= found["throughput_last_30m"]["p99"] > 0
