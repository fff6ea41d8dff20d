"""From rows to a snapshot.

An endpoint is callable when it has a price and its provider a credential (or needs none). In demo mode, and only
there, the sandbox stands in for each catalogued model that no credential reaches. A provider whose wire format has no
adapter counts as one without a credential. What its provider has withdrawn by now serves only a model that has nobody
else.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from billing.pricing import WHOLE_BP, Prices
from routing.catalogue.address import base_url, environment_secret
from routing.catalogue.snapshot import Snapshot
from routing.credentials import CannotDecrypt, unseal
from routing.providers import spoken
from routing.types import Credential, Endpoint, Model, Provider

logger = logging.getLogger("xroute.catalogue")


@dataclass(frozen=True, slots=True)
class Served:
    """A provider with the accounts there: the installation's, and those of workspaces."""

    provider: Provider
    credentials: tuple[Credential, ...] = ()
    own: Mapping[int, tuple[Credential, ...]] | None = None
    margin_bp: int | None = None


@dataclass(slots=True)
class Builder:
    """`encryption_keys` open stored credentials; `sandbox_url` is empty except in demo mode."""

    encryption_keys: Sequence[str]
    sandbox_url: str = ""
    margin_bp: int = 0
    byok_fee_bp: int = 0

    def build(self, version: int, provider_rows: Sequence[Any], endpoint_rows: Sequence[Any]) -> Snapshot:
        served = {row[0]: self._served(row) for row in provider_rows}
        models: dict[str, Model] = {}
        priced: dict[str, list[Endpoint]] = {}
        for row in endpoint_rows:
            if row[1] in served:
                endpoint = self._endpoint(row, served[row[1]])
                models[endpoint.model.slug] = endpoint.model
                priced.setdefault(endpoint.model.slug, []).append(endpoint)
        callable_ones = {slug: tuple(self._callable(found)) for slug, found in priced.items()}
        aliases = {alias: model.slug for model in models.values() for alias in model.aliases}
        return Snapshot(
            version,
            {slug: model for slug, model in models.items() if callable_ones[slug]},
            {slug: found for slug, found in callable_ones.items() if found},
            {alias: slug for alias, slug in aliases.items() if callable_ones[slug]},
            priced,
            _accounts(served.values()),
            self.byok_fee_bp,
            {slug: slug for slug in models} | {alias: slug for alias, slug in aliases.items() if alias not in models},
        )

    def _served(self, row: Any) -> Served:
        _id, slug, name, template, wire_format, cancels, quirks, credential_env, collects, zdr, margin, ours, own = row
        url = base_url(slug, template)
        provider = Provider(slug, name, url or "", wire_format, cancels, frozenset(quirks), collects, zdr)
        if not url or not spoken(wire_format):
            return Served(provider, margin_bp=margin)
        if "no_credential" in quirks:
            return Served(provider, (Credential(f"none:{slug}", "sandbox"),), self._own(slug, own), margin)
        credentials = [credential for item in ours if (credential := self._unseal(slug, item))]
        secret = environment_secret(credential_env)
        if secret:
            credentials.append(Credential(f"env:{credential_env}", secret))
        if not credentials and "credential_optional" in quirks:
            credentials.append(Credential(f"none:{slug}", "none"))
        return Served(provider, tuple(credentials), self._own(slug, own), margin)

    def _own(self, slug: str, rows: Sequence[Any]) -> Mapping[int, tuple[Credential, ...]]:
        found: dict[int, tuple[Credential, ...]] = {}
        for row_id, sealed, workspace_id in rows:
            if credential := self._unseal(slug, (row_id, sealed)):
                found[workspace_id] = (*found.get(workspace_id, ()), credential)
        return found

    def _unseal(self, slug: str, item: Any) -> Credential | None:
        row_id, sealed = item
        try:
            return Credential(f"db:{row_id}", unseal(sealed.encode(), row_id=row_id, keys=self.encryption_keys))
        except CannotDecrypt as error:
            logger.error("ALERT %s: %s", slug, error)
            return None

    def _endpoint(self, row: Any, served: Served) -> Endpoint:
        quantization, region = row[6:8]
        slug, name, aliases, context, output, inputs, outputs, description, created, model_margin = row[8:18]
        model = Model(
            slug, name, tuple(aliases), context, output, tuple(inputs), tuple(outputs), description, int(created)
        )
        # The nearest one counts: the model's, its provider's, the installation's.
        margin = next((bp for bp in (model_margin, served.margin_bp) if bp is not None), self.margin_bp)
        listed = Prices(*row[19:26])
        return Endpoint(
            id=row[0],
            model=model,
            provider=served.provider,
            upstream_id=row[2],
            prices=listed.scaled(WHOLE_BP + margin) if margin else listed,
            context_length=row[3],
            max_output_tokens=row[4],
            capabilities=frozenset(row[5]),
            credentials=served.credentials,
            serves_as=served.provider.name,
            price_id=row[18],
            list_prices=listed,
            margin_bp=margin,
            quantization=quantization,
            region=region,
            deprecates_at=row[26],
        )

    def _callable(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        """Those with a credential; where there are none and the sandbox may stand in, the stand-ins."""
        ready = [endpoint for endpoint in endpoints if endpoint.credentials]
        today = datetime.now(UTC).date()
        served = [endpoint for endpoint in ready if not endpoint.deprecates_at or endpoint.deprecates_at >= today]
        if ready or not self.sandbox_url:
            return served or ready
        return [self._stand_in(endpoint) for endpoint in endpoints]

    def _stand_in(self, endpoint: Endpoint) -> Endpoint:
        provider = replace(endpoint.provider, base_url=f"{self.sandbox_url}/v1", wire_format="openai")
        credential = Credential("none:sandbox", "sandbox")
        return replace(endpoint, provider=provider, credentials=(credential,), serves_as="sandbox", stand_in=True)


def _accounts(served: Iterable[Served]) -> Mapping[int, Mapping[str, tuple[Credential, ...]]]:
    """Workspace id → provider's slug → the workspace's own accounts there."""
    found: dict[int, dict[str, tuple[Credential, ...]]] = {}
    for one in served:
        for workspace_id, credentials in (one.own or {}).items():
            found.setdefault(workspace_id, {})[one.provider.slug] = credentials
    return found
