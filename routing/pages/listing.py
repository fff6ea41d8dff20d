"""The models that can be called now, as pages list them: read from this worker's own snapshot."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from billing.pricing import Prices
from routing.runtime import current
from routing.sandbox import FAULTS
from routing.types import Endpoint, Model
from xroute.lib.errors import ApiError

NAMES = {"tools": "Tools", "json_schema": "JSON schema", "vision": "Images", "reasoning": "Reasoning"}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model with the price of its cheapest endpoint (nano-USD per million)."""

    model: Model
    prices: Prices
    providers: tuple[str, ...]
    context_length: int
    max_output_tokens: int
    capabilities: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]

    @property
    def slug(self) -> str:
        return self.model.slug

    @property
    def author(self) -> str:
        return self.model.slug.partition("/")[0]

    @property
    def sandbox(self) -> bool:
        return self.author == "sandbox"

    @property
    def ended(self) -> bool:
        """Whether every provider says that it serves it no longer."""
        today = datetime.now(UTC).date()
        return all(endpoint.deprecates_at and endpoint.deprecates_at < today for endpoint in self.endpoints)

    @property
    def providers_more(self) -> int:
        """How many providers there are beyond the three that a row of a table has room for."""
        return max(0, len(self.providers) - 3)


def rows() -> list[ModelRow]:
    """All models that can be called: real ones first, each group by name. Empty while the worker starts."""
    try:
        snapshot = current().catalogue.snapshot
    except ApiError:
        return []
    found = [_row(endpoints) for slug, endpoints in snapshot.endpoints.items() if not slug.startswith(FAULTS)]
    return sorted(found, key=lambda row: (row.sandbox, row.author, row.model.name.lower()))


def varied(found: Sequence[ModelRow]) -> list[ModelRow]:
    """The newest of each author first, then the second newest of each, so that a short list shows the breadth.

    Among equally new ones those that most providers serve; what was withdrawn comes last.
    """

    def rank(row: ModelRow) -> tuple[bool, bool, int, int, str]:
        return row.sandbox, row.ended, -row.model.created, -len(row.providers), row.slug

    newest = sorted(found, key=rank)
    place: Counter[str] = Counter()
    ranked = []
    for row in newest:
        ranked.append((row.sandbox, place[row.author], row))
        place[row.author] += 1
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])]


def row_of(name: str) -> ModelRow | None:
    """The model of a slug or alias."""
    try:
        snapshot = current().catalogue.snapshot
    except ApiError:
        return None
    slug = snapshot.slug(name)
    return None if slug is None else _row(snapshot.endpoints[slug])


def _row(endpoints: Sequence[Endpoint]) -> ModelRow:
    by_price = sorted(endpoints, key=lambda item: (item.prices.input + item.prices.output, item.id))
    flags = frozenset().union(*(endpoint.capabilities for endpoint in endpoints))
    return ModelRow(
        model=by_price[0].model,
        prices=by_price[0].prices,
        providers=tuple(dict.fromkeys(endpoint.provider.name for endpoint in by_price)),
        context_length=max(endpoint.context_length for endpoint in endpoints),
        max_output_tokens=max(endpoint.max_output_tokens for endpoint in endpoints),
        capabilities=tuple(name for flag, name in NAMES.items() if flag in flags),
        endpoints=tuple(by_price),
    )
