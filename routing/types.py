"""The nouns of routing, as immutable facts. Pure: imports nothing of Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billing.pricing import Prices, Usage

FREE = Prices(0, 0)
COUNTED_REQUESTS_MIN = 100


@dataclass(frozen=True, slots=True)
class Credential:
    """One account at a provider. `id` is stable and safe to log; `secret` never is."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who serves. `wire_format` names a module of routing.providers; `base_url` ends without a slash.

    `collects_data`: it may keep prompts or train on them, or has not said that it does not. `zdr`: it keeps nothing.
    """

    slug: str
    name: str
    base_url: str
    wire_format: str = "openai"
    cancel_stops_billing: bool = True
    quirks: frozenset[str] = frozenset()
    collects_data: bool = True
    zdr: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """What is asked for: author/slug, with short aliases."""

    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    context_length: int = 8192
    max_output_tokens: int = 4096
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    description: str = ""
    created: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model served by one provider. `serves_as` is the provider's name that answers and records carry.

    `list_prices` are what the provider charges, `prices` what the caller pays: with `margin_bp` (hundredths of a per
    cent) on top. Of a workspace's own account there (`byok`) the caller pays a fee alone, and `prices` are that.
    After `deprecates_at` the provider says that it no longer serves it.
    """

    id: int
    model: Model
    provider: Provider
    upstream_id: str
    prices: Prices
    context_length: int
    max_output_tokens: int
    capabilities: frozenset[str] = frozenset()
    credentials: tuple[Credential, ...] = ()
    serves_as: str = ""
    stand_in: bool = False
    price_id: int = 0
    list_prices: Prices = FREE
    margin_bp: int = 0
    byok: bool = False
    quantization: str = ""
    region: str = ""
    deprecates_at: date | None = None

    @property
    def house_prices(self) -> Prices:
        """What the house pays for an answer: nothing where it was the workspace's own account."""
        return FREE if self.byok else self.list_prices

    @property
    def reasons(self) -> bool:
        """Whether completion tokens may be spent that are never relayed."""
        return "reasoning" in self.capabilities


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of what was measured lately."""

    p50: float
    p75: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What this installation measured of an endpoint; None where there was too little. Uptime in 0 to 1.

    `latency_ms` is the time to the first token and `throughput_tps` completion tokens a second, of 30 minutes. p90 of
    latency is what nine in ten answers were within, of throughput what nine in ten reached: the higher, the worse.
    """

    requests_5m: int = 0
    requests_30m: int = 0
    requests_1d: int = 0
    uptime_5m: float | None = None
    uptime_30m: float | None = None
    uptime_1d: float | None = None
    latency_ms: Percentiles | None = None
    throughput_tps: Percentiles | None = None

    @property
    def counted_uptime(self) -> float | None:
        """The uptime that decides an endpoint's band: of the shortest span with enough requests for a rate to count.

        None where there were too few in half an hour: people are shown a rate from fewer, nothing is decided by it.
        """
        for requests, uptime in ((self.requests_5m, self.uptime_5m), (self.requests_30m, self.uptime_30m)):
            if requests >= COUNTED_REQUESTS_MIN:
                return uptime
        return None


@dataclass(frozen=True, slots=True)
class MaxPrice:
    """The most a caller will pay, in nano-USD per million (of tokens, requests, images)."""

    prompt: int | None = None
    completion: int | None = None
    request: int | None = None
    image: int | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """OpenRouter's `provider` object, with the suffix of the model's name.

    `sort` is price, throughput or latency; `throughput_min` and `latency_max` are wishes by percentile (tokens a
    second, seconds), the rest are conditions. `free` is the suffix `:free`.
    """

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    sort: str | None = None
    deny_data_collection: bool = False
    zdr: bool = False
    quantizations: tuple[str, ...] = ()
    max_price: MaxPrice | None = None
    throughput_min: tuple[tuple[str, float], ...] = ()
    latency_max: tuple[tuple[str, float], ...] = ()
    free: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A parsed body. `body` is passed on but for what routing decides; `needs` are capabilities it relies on.

    `max_tokens` is the caller's own limit (of max_completion_tokens or max_tokens), `limit_field` its name.
    `fallbacks` are the models to try after `model`.
    `prompt_tokens_max` is an upper bound and `prompt_tokens_expected` a fair guess, both from byte lengths.
    """

    body: Mapping[str, Any]
    model: str
    stream: bool
    include_usage: bool
    max_tokens: int | None
    limit_field: str
    n: int
    images: int
    prompt_tokens_max: int
    prompt_tokens_expected: int
    needs: frozenset[str] = frozenset()
    preferences: Preferences = Preferences()
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What goes out: the adapter makes it, `upstream` sends it."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, in our own (OpenAI's) form. `usage` is None where the upstream reported none usable."""

    body: dict[str, Any]
    usage: Usage | None
    upstream_id: str
    finish_reason: str | None
    output_bytes: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a stream, in our own form.

    `body` is None for events that carry nothing to relay ([DONE], a usage-only chunk); `finished` are the
    indices of choices that this chunk ends; `output_bytes` is the length of what it adds to the completion.
    """

    body: dict[str, Any] | None = None
    usage: Usage | None = None
    finished: Mapping[int, str] = field(default_factory=dict)
    output_bytes: int = 0
    upstream_id: str = ""
    done: bool = False
