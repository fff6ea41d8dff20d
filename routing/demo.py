"""Which endpoints the demo's usage is made of: real models at their real prices."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from accounts.models import User, Workspace
from billing.demo import DemoMade, demo_data_make
from billing.demo_calls import DemoEndpoint
from billing.pricing import Prices
from routing.models import Endpoint

MODELS_MAX = 10
# Model → how often it is called; others of the catalogue fill up where these are missing.
WISHED = {
    "openai/gpt-6-sol": 22.0,
    "openai/gpt-5.4-mini": 20.0,
    "mistralai/mistral-medium-latest": 14.0,
    "openai/gpt-6-luna": 13.0,
    "openai/gpt-5.5": 7.0,
    "meta-llama/llama-3.3-70b-instruct": 8.0,
    "mistralai/mistral-small-latest": 9.0,
    "openai/gpt-oss-120b": 5.0,
    "mistralai/codestral-latest": 6.0,
    "openai/gpt-5.4-nano": 4.0,
}


def demo_workspace_fill(*, workspace: Workspace, created_by: User | None, zone: ZoneInfo) -> DemoMade:
    """Fill a workspace with 30 days of usage, once. Raises billing.demo.NoDemo."""
    return demo_data_make(
        workspace=workspace, created_by=created_by, endpoints=list(_endpoints())[:MODELS_MAX], zone=zone
    )


def _endpoints() -> Iterator[DemoEndpoint]:
    """One endpoint a model, those wished for first."""
    rows = Endpoint.objects.filter(enabled=True, provider__enabled=True).select_related("model", "provider")
    found: dict[str, Endpoint] = {}
    for endpoint in rows.exclude(model__slug__startswith="sandbox/").prefetch_related("prices").order_by("id"):
        found.setdefault(endpoint.model.slug, endpoint)
    for slug in sorted(found, key=lambda slug: (-WISHED.get(slug, 0.0), found[slug].pk)):
        endpoint = found[slug]
        price = max(endpoint.prices.all(), key=lambda price: (price.valid_from, price.pk), default=None)
        if price is None:
            continue
        yield DemoEndpoint(
            model=slug,
            provider=endpoint.provider.slug,
            endpoint_id=endpoint.pk,
            price_id=price.pk,
            prices=Prices(
                input=price.input,
                output=price.output,
                cached_input=price.cached_input,
                cache_write=price.cache_write,
                reasoning=price.reasoning,
                request=price.request,
                image=price.image,
            ),
            weight=WISHED.get(slug, 3.0),
            reasons="reasoning" in endpoint.capabilities,
        )
