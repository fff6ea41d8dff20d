"""The catalogue in memory: one immutable snapshot per worker, swapped whole when its version changes.

An endpoint is callable when it has a price and its provider a credential (or needs none). In demo mode, and only
there, the sandbox stands in for each catalogued model that no credential reaches.
"""

import asyncio
import difflib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from billing.pricing import Prices
from routing.credentials import CannotDecrypt, unseal
from routing.types import Credential, Endpoint, Model, Provider
from xroute.lib.pg import Database, Outage

logger = logging.getLogger("xroute.catalogue")
VERSION = "SELECT version FROM routing_catalogueversion"
PROVIDERS = """
SELECT p.id, p.slug, p.name, p.base_url, p.wire_format, p.cancel_stops_billing, p.quirks, p.credential_env,
       coalesce(json_agg(json_build_array(c.id, encode(c.secret, 'escape'))) FILTER (WHERE c.enabled), '[]')
  FROM routing_provider p LEFT JOIN routing_providercredential c ON c.provider_id = p.id
 WHERE p.enabled GROUP BY p.id"""
ENDPOINTS = """
SELECT e.id, e.provider_id, e.upstream_id, e.context_length, e.max_output_tokens, e.capabilities,
       m.slug, m.name, m.aliases, m.context_length, m.max_output_tokens, m.input_modalities, m.output_modalities,
       m.description, extract(epoch FROM m.released_at)::bigint,
       p.id, p.input, p.output, p.cached_input, p.cache_write, p.reasoning, p.request, p.image
  FROM routing_endpoint e
  JOIN routing_model m ON m.id = e.model_id
  JOIN LATERAL (SELECT * FROM routing_endpointprice x WHERE x.endpoint_id = e.id AND x.valid_from <= now()
                 ORDER BY x.valid_from DESC, x.id DESC LIMIT 1) p ON true
 WHERE e.enabled ORDER BY m.slug, e.id"""
UNPRICED = """
SELECT m.slug, p.slug FROM routing_endpoint e
  JOIN routing_model m ON m.id = e.model_id JOIN routing_provider p ON p.id = e.provider_id
 WHERE e.enabled AND NOT EXISTS (SELECT 1 FROM routing_endpointprice x
                                  WHERE x.endpoint_id = e.id AND x.valid_from <= now())"""
PLACEHOLDER = re.compile(r"\{([A-Z0-9_]+)\}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be called right now."""

    version: int
    models: Mapping[str, Model] = field(default_factory=dict)
    endpoints: Mapping[str, Sequence[Endpoint]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    uncallable: frozenset[str] = frozenset()

    def slug(self, name: str) -> str | None:
        """The slug that `name` (a slug or an alias) stands for."""
        return name if name in self.models else self.aliases.get(name)

    def similar(self, name: str) -> list[str]:
        """Up to three names that look like `name`."""
        known = [*self.models, *self.aliases]
        return difflib.get_close_matches(name, known, n=3, cutoff=0.5)


def _environment(name: str) -> str:
    path = os.environ.get(f"{name}_FILE", "")
    if path and not os.environ.get(name):
        with open(path) as file:
            return file.read().strip()
    return os.environ.get(name, "").strip()


def base_url(slug: str, template: str) -> str | None:
    """The provider's address: <NAME>_BASE_URL from the environment, else the row's with {NAMES} filled in."""
    url = _environment(f"{slug.upper().replace('-', '_')}_BASE_URL") or template
    for name in PLACEHOLDER.findall(url):
        value = _environment(name)
        if not value:
            return None
        url = url.replace(f"{{{name}}}", value)
    return url.rstrip("/")


def environment_secret(name: str) -> str:
    """The credential that the environment holds under `name` (or in the file NAME_FILE); empty where it holds none."""
    return _environment(name) if name else ""


def names_missing(slug: str, template: str) -> list[str]:
    """The names that a provider's address needs from the environment and does not find there."""
    url = _environment(f"{slug.upper().replace('-', '_')}_BASE_URL") or template
    return [name for name in PLACEHOLDER.findall(url) if not _environment(name)]


class Catalogue:
    """Keeps `snapshot` up to date. `sandbox_url` is empty except in demo mode."""

    def __init__(self, db: Database, *, encryption_keys: Sequence[str], sandbox_url: str = "") -> None:
        self._db, self._keys, self._sandbox_url = db, encryption_keys, sandbox_url
        self.snapshot = Snapshot(version=0)
        self._hurry = asyncio.Event()

    def hurry(self, _payload: str = "") -> None:
        """Look now (a notification came)."""
        self._hurry.set()

    async def refresh(self) -> None:
        """Swap the snapshot if the catalogue changed; raises Outage."""
        version = (await self._db.fetch(VERSION))[0][0]
        if version != self.snapshot.version:
            providers = await self._db.fetch(PROVIDERS, timeout_s=10)
            endpoints = await self._db.fetch(ENDPOINTS, timeout_s=10)
            self.snapshot = self._build(version, providers, endpoints)
            for model, provider in await self._db.fetch(UNPRICED):
                logger.error("ALERT %s at %s has no price: it is not callable until it has one", model, provider)

    async def run(self, *, every_s: float = 5.0) -> None:
        """Refresh for ever."""
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self.refresh()
            except Outage:
                continue

    def _build(self, version: int, provider_rows: Sequence[Any], endpoint_rows: Sequence[Any]) -> Snapshot:
        providers = {row[0]: self._provider(row) for row in provider_rows}
        models: dict[str, Model] = {}
        live: dict[str, list[Endpoint]] = {}
        for row in endpoint_rows:
            endpoint = self._endpoint(row, providers)
            if endpoint is None:
                continue
            models[endpoint.model.slug] = endpoint.model
            live.setdefault(endpoint.model.slug, []).append(endpoint)
        callable_ones = {slug: tuple(self._callable(found)) for slug, found in live.items()}
        aliases = {alias: model.slug for model in models.values() for alias in model.aliases}
        return Snapshot(
            version,
            {slug: model for slug, model in models.items() if callable_ones[slug]},
            {slug: found for slug, found in callable_ones.items() if found},
            {alias: slug for alias, slug in aliases.items() if callable_ones[slug]},
            frozenset(name for name in (*models, *aliases) if not callable_ones[aliases.get(name, name)]),
        )

    def _provider(self, row: Any) -> tuple[Provider, tuple[Credential, ...]]:
        _id, slug, name, template, wire_format, cancels, quirks, credential_env, sealed = row
        url = base_url(slug, template)
        provider = Provider(slug, name, url or "", wire_format, cancels, frozenset(quirks))
        if not url:
            return provider, ()
        if "no_credential" in quirks:
            return provider, (Credential(f"none:{slug}", "sandbox"),)
        credentials = [credential for item in sealed if (credential := self._unseal(slug, item))]
        secret = _environment(credential_env) if credential_env else ""
        if secret:
            credentials.append(Credential(f"env:{credential_env}", secret))
        return provider, tuple(credentials)

    def _unseal(self, slug: str, item: Any) -> Credential | None:
        row_id, sealed = item
        try:
            return Credential(f"db:{row_id}", unseal(sealed.encode(), row_id=row_id, keys=self._keys))
        except CannotDecrypt as error:
            logger.error("ALERT %s: %s", slug, error)
            return None

    @staticmethod
    def _endpoint(row: Any, providers: Mapping[int, tuple[Provider, tuple[Credential, ...]]]) -> Endpoint | None:
        if row[1] not in providers:
            return None
        provider, credentials = providers[row[1]]
        slug, name, aliases, context, output, inputs, outputs, description, created = row[6:15]
        model = Model(
            slug, name, tuple(aliases), context, output, tuple(inputs), tuple(outputs), description, int(created)
        )
        return Endpoint(
            id=row[0],
            model=model,
            provider=provider,
            upstream_id=row[2],
            prices=Prices(*row[16:23]),
            context_length=row[3],
            max_output_tokens=row[4],
            capabilities=frozenset(row[5]),
            credentials=credentials,
            serves_as=provider.name,
            price_id=row[15],
        )

    def _callable(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        """Those with a credential; where there are none and the sandbox may stand in, the stand-ins."""
        ready = [endpoint for endpoint in endpoints if endpoint.credentials]
        if ready or not self._sandbox_url:
            return ready
        return [self._stand_in(endpoint) for endpoint in endpoints]

    def _stand_in(self, endpoint: Endpoint) -> Endpoint:
        provider = replace(endpoint.provider, base_url=f"{self._sandbox_url}/v1", wire_format="openai")
        credential = Credential("none:sandbox", "sandbox")
        return replace(endpoint, provider=provider, credentials=(credential,), serves_as="sandbox", stand_in=True)
