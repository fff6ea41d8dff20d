"""Writes of routing: the catalogue and its credentials."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from routing.credentials import seal
from routing.models import Endpoint, EndpointPrice, Model, Provider, ProviderCredential
from xroute.lib.money import nanousd_from_usd

DATA = Path(__file__).parent / "catalogue_data"
PRICE_FIELDS = ("input", "output", "cached_input", "cache_write", "reasoning", "request", "image")


class BadCatalogue(Exception):
    """A data file that cannot be loaded; the message names file, entry and remedy."""


@dataclass(slots=True)
class Diff:
    """What a load changed, in words."""

    added: list[str] = field(default_factory=list)
    repriced: list[str] = field(default_factory=list)


def catalogue_files(folder: Path = DATA) -> list[dict[str, Any]]:
    """The data files, one per provider."""
    return [json.loads(path.read_text()) | {"file": path.name} for path in sorted(folder.glob("*.json"))]


def catalogue_load(*, files: Iterable[Mapping[str, Any]], apply_prices: bool = True) -> Diff:
    """Make the tables say what the files say; idempotent. What people switched off stays off."""
    diff = Diff()
    with transaction.atomic():
        for file in files:
            provider = _provider(file["provider"])
            for row in file["endpoints"]:
                _endpoint(provider, row, diff, file.get("file", "?"), apply_prices)
    return diff


def _provider(row: Mapping[str, Any]) -> Provider:
    values = {name: row[name] for name in ("name", "base_url", "wire_format", "cancel_stops_billing", "credential_env")}
    provider, created = Provider.objects.get_or_create(slug=row["slug"], defaults=values | {"quirks": row["quirks"]})
    values["quirks"] = row["quirks"]
    if not created and any(getattr(provider, name) != value for name, value in values.items()):
        Provider.objects.filter(pk=provider.pk).update(**values)
    return provider


def _endpoint(provider: Provider, row: Mapping[str, Any], diff: Diff, file: str, apply_prices: bool) -> None:
    where = f"{file}: {row.get('model')} at {provider.slug}"
    price = price_from_usd(row.get("usd_per_million", {}), where=where)
    model, _ = Model.objects.get_or_create(
        slug=row["model"],
        defaults={name: row[name] for name in ("name", "aliases", "context_length", "max_output_tokens")}
        | {name: row[name] for name in ("input_modalities", "output_modalities")},
    )
    endpoint, created = Endpoint.objects.get_or_create(
        model=model,
        provider=provider,
        upstream_id=row["upstream_id"],
        defaults={name: row[name] for name in ("context_length", "max_output_tokens", "capabilities")},
    )
    if created:
        diff.added.append(f"{model.slug} at {provider.slug}")
    _price(endpoint, price, row.get("source", ""), diff, where, apply_prices or created)


def price_from_usd(row: Mapping[str, str], *, where: str) -> dict[str, int | None]:
    """Nano-USD per million by class; an entry without input and output price is refused."""
    if "input" not in row or "output" not in row:
        raise BadCatalogue(f"{where} has no price. Give usd_per_million.input and .output; none costs 0 by omission.")
    unknown = set(row) - set(PRICE_FIELDS)
    if unknown:
        raise BadCatalogue(f"{where} has a price for {sorted(unknown)}; known are {', '.join(PRICE_FIELDS)}.")
    prices = {name: nanousd_from_usd(Decimal(row[name])) if name in row else None for name in PRICE_FIELDS}
    return prices | {"request": prices["request"] or 0, "image": prices["image"] or 0}


def _price(
    endpoint: Endpoint, price: dict[str, int | None], source: str, diff: Diff, where: str, apply_price: bool
) -> None:
    newest = endpoint.prices.order_by("-valid_from", "-id").first()
    if newest and all(getattr(newest, name) == value for name, value in price.items()):
        return
    if newest:
        old = f"{newest.input / 1e9:g}/{newest.output / 1e9:g}"
        diff.repriced.append(f"{where}: {old} → {(price['input'] or 0) / 1e9:g}/{(price['output'] or 0) / 1e9:g} USD/M")
    if apply_price:
        EndpointPrice.objects.create(endpoint=endpoint, source=source, **price)


def credential_add(*, provider: Provider, name: str, secret: str) -> ProviderCredential:
    """Store a credential, encrypted."""
    with transaction.atomic():
        row = ProviderCredential.objects.create(provider=provider, name=name, secret=b"", last_four=secret[-4:])
        row.secret = seal(secret, row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS)
        row.save(update_fields=["secret"])
    return row


def credential_switch(*, credential: ProviderCredential, enabled: bool) -> None:
    """Use a stored credential, or leave it unused; every worker follows within 5 seconds."""
    ProviderCredential.objects.filter(pk=credential.pk).update(enabled=enabled)


def credential_delete(*, credential: ProviderCredential) -> None:
    """Forget a stored credential for good."""
    ProviderCredential.objects.filter(pk=credential.pk).delete()
