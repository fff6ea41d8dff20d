"""Every endpoint of the tables, with what it costs and why it can or cannot be called. For people and scripts."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from billing.pricing import Prices
from routing.catalogue.address import environment_secret, names_missing
from routing.catalogue.build import Builder
from routing.catalogue.queries import ENDPOINTS, PRICING, PROVIDERS
from routing.models import Endpoint as Row
from routing.providers import spoken
from routing.types import Endpoint
from xroute.lib.money import usd_from_nanousd


def endpoint_report() -> list[dict[str, Any]]:
    """One object an endpoint, by model and then provider; always the same keys.

    Prices are USD per million (tokens, requests, images) as decimal strings, null where a class has none of its own;
    both prices are null where the endpoint has none at all. `reason` is null exactly where `callable` is true. The
    sandbox, which stands in for models in demo mode, makes nothing callable here.
    """
    priced = _priced()
    rows = Row.objects.select_related("model", "provider").order_by("model__slug", "provider__slug", "id")
    return [_object(row, priced.get(row.pk)) for row in rows]


def _priced() -> Mapping[int, Endpoint]:
    """As the snapshot has them, so that no second place knows how a sale price comes about."""
    with connection.cursor() as cursor:
        found = []
        for query in (PRICING, PROVIDERS, ENDPOINTS):
            cursor.execute(query)
            found.append(cursor.fetchall())
    margin_bp, fee_bp = found[0][0] if found[0] else (0, 0)
    builder = Builder(settings.XROUTE_ENCRYPTION_KEYS, "", margin_bp, fee_bp)
    snapshot = builder.build(0, found[1], found[2])
    return {endpoint.id: endpoint for endpoints in snapshot.priced.values() for endpoint in endpoints}


def _object(row: Row, endpoint: Endpoint | None) -> dict[str, Any]:
    reason, credential = _reason(row, endpoint), _credential(endpoint)
    ends = row.deprecates_at
    return {
        "model": row.model.slug,
        "name": row.model.name,
        "aliases": list(row.model.aliases),
        "provider": row.provider.slug,
        "upstream_id": row.upstream_id,
        "wire_format": row.provider.wire_format,
        "list_prices": _usd(endpoint.list_prices) if endpoint else None,
        "prices": _usd(endpoint.prices) if endpoint else None,
        "margin_percent": f"{endpoint.margin_bp / 100:g}" if endpoint else None,
        "context_length": row.context_length,
        "max_output_tokens": row.max_output_tokens,
        "capabilities": sorted(row.capabilities),
        "quantization": row.quantization or None,
        "region": row.region or None,
        "deprecates_at": ends.isoformat() if ends else None,
        "past_date": bool(ends and ends < datetime.now(UTC).date()),
        "credential_env": row.provider.credential_env or None,
        "credential": credential,
        "callable": reason is None,
        "reason": reason,
    }


def _usd(prices: Prices) -> dict[str, str | None]:
    found = ((part.name, getattr(prices, part.name)) for part in fields(Prices))
    return {name: None if price is None else f"{usd_from_nanousd(price).normalize():f}" for name, price in found}


def _credential(endpoint: Endpoint | None) -> str | None:
    """Where the first credential comes from: "stored", "environment", "none" (it needs none); null: there is none."""
    kinds = {"db": "stored", "env": "environment", "none": "none"}
    found = endpoint.credentials if endpoint else ()
    return kinds[found[0].id.partition(":")[0]] if found else None


def _reason(row: Row, endpoint: Endpoint | None) -> str | None:
    provider = row.provider
    if not row.enabled:
        return "it is switched off"
    if not provider.enabled:
        return "its provider is switched off"
    if endpoint is None:
        return "it has no price"
    if not spoken(provider.wire_format):
        return f"wire format {provider.wire_format} is not spoken yet"
    if missing := names_missing(provider.slug, provider.base_url):
        return f"needs {', '.join(missing)}"
    if endpoint.credentials:
        return None
    if environment_secret(provider.credential_env):
        return "its credential cannot be used"
    return f"needs {provider.credential_env or 'a credential'}"
