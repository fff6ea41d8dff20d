"""What can be called right now, in one immutable piece. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from routing.types import Credential, Endpoint, Model


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`endpoints` are callable by everyone; `priced` are all, of which a workspace may call more by `own` accounts.

    `names`: every slug and alias, of models that nobody can call too, → the slug.
    `own`: workspace id → provider's slug → its accounts there; `byok_fee_bp` is the fee on them.
    """

    version: int
    models: Mapping[str, Model] = field(default_factory=dict)
    endpoints: Mapping[str, Sequence[Endpoint]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    priced: Mapping[str, Sequence[Endpoint]] = field(default_factory=dict)
    own: Mapping[int, Mapping[str, tuple[Credential, ...]]] = field(default_factory=dict)
    byok_fee_bp: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    def slug(self, name: str) -> str | None:
        """The slug that `name` (a slug or an alias) stands for."""
        return name if name in self.models else self.aliases.get(name)

    def endpoint(self, endpoint_id: int) -> Endpoint | None:
        """By its id, callable or not; for explanations, not for the request path."""
        every = (endpoint for found in self.priced.values() for endpoint in found)
        return next((endpoint for endpoint in every if endpoint.id == endpoint_id), None)

    def similar(self, name: str) -> list[str]:
        """Up to three names that look like `name`."""
        known = [*self.models, *self.aliases]
        return difflib.get_close_matches(name, known, n=3, cutoff=0.5)

    def endpoints_for(self, slug: str, workspace_id: int) -> Sequence[Endpoint]:
        """Who may answer this workspace: by its own accounts first, then the installation's."""
        shared = self.endpoints.get(slug, ())
        accounts = self.own.get(workspace_id)
        if not accounts:
            return shared
        return (*self._by_own(slug, accounts), *shared)

    def _by_own(self, slug: str, accounts: Mapping[str, tuple[Credential, ...]]) -> Sequence[Endpoint]:
        return [
            replace(
                endpoint,
                prices=endpoint.list_prices.scaled(self.byok_fee_bp),
                credentials=accounts[endpoint.provider.slug],
                serves_as=endpoint.provider.name,
                margin_bp=0,
                byok=True,
            )
            for endpoint in self.priced.get(slug, ())
            if endpoint.provider.slug in accounts
        ]
