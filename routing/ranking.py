"""choose: which endpoints may answer this request, best first, and why the others may not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from billing.pricing import Usage, cost_nanousd
from routing.types import ChatRequest, Endpoint, Preferences

COMPLETION_TOKENS_EXPECTED = 1024

# Without these the request fails, or costs what is not accounted for; other needs an endpoint may simply ignore.
HARD_NEEDS = frozenset(("tools", "vision", "audio", "file", "video", "audio_output", "web_search"))
_MODALITY_OF = {"vision": "image", "audio": "audio", "file": "file", "video": "video"}


class HealthView(Protocol):
    """What ranking asks of routing.health."""

    def available(self, endpoint: Endpoint) -> bool: ...

    def recently_failed(self, endpoint_id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Endpoints to try in order, and by endpoint id why each other one was left out (one sentence part)."""

    endpoints: list[Endpoint]
    left_out: dict[int, str]


def candidates(endpoints: Sequence[Endpoint], chat: ChatRequest, health: HealthView) -> Choice:
    """Filter, then order: the caller's own order first, then the healthy before the recently failed, by price.

    Endpoints out of service are dropped, unless all are: then one may have recovered, and is tried.
    """
    left_out: dict[int, str] = {}
    fit = []
    for endpoint in endpoints:
        reason = _unfit(endpoint, chat)
        if reason:
            left_out[endpoint.id] = reason
        else:
            fit.append(endpoint)
    usable = []
    for endpoint in fit:
        if health.available(endpoint):
            usable.append(endpoint)
        else:
            left_out[endpoint.id] = "out of service"
    if not usable:
        usable = fit
        left_out = {number: why for number, why in left_out.items() if why != "out of service"}
    ordered = _ordered(usable, chat, health)
    if not chat.preferences.allow_fallbacks:
        left_out |= {endpoint.id: "fallbacks are not allowed" for endpoint in ordered[1:]}
        ordered = ordered[:1]
    return Choice(ordered, left_out)


def expected_cost_nanousd(endpoint: Endpoint, chat: ChatRequest) -> int:
    """What this very request is likely to cost at `endpoint`."""
    limit = endpoint.max_output_tokens if chat.max_tokens is None else chat.max_tokens
    completion = chat.n * min(COMPLETION_TOKENS_EXPECTED, limit, endpoint.max_output_tokens)
    usage = Usage(prompt=chat.prompt_tokens_expected, completion=completion, images=chat.images)
    return cost_nanousd(endpoint.prices, usage)


def _unfit(endpoint: Endpoint, chat: ChatRequest) -> str:
    """Why `endpoint` cannot take the request; empty where it can."""
    slug, wanted = endpoint.provider.slug, chat.preferences
    if wanted.only and slug not in wanted.only:
        return "not among provider.only"
    if slug in wanted.ignore:
        return "listed in provider.ignore"
    if wanted.order and not wanted.allow_fallbacks and slug not in wanted.order:
        return "not in provider.order, and fallbacks are not allowed"
    if chat.prompt_tokens_expected > endpoint.context_length:
        return f"its context of {endpoint.context_length} tokens is too short"
    missing = _missing(endpoint, chat)
    return f"it lacks {', '.join(sorted(missing))}" if missing else ""


def _missing(endpoint: Endpoint, chat: ChatRequest) -> frozenset[str]:
    needs = chat.needs if chat.preferences.require_parameters else chat.needs & HARD_NEEDS
    modalities = endpoint.model.input_modalities
    return frozenset(need for need in needs - endpoint.capabilities if _MODALITY_OF.get(need) not in modalities)


def _ordered(endpoints: Sequence[Endpoint], chat: ChatRequest, health: HealthView) -> list[Endpoint]:
    if len(endpoints) < 2:
        return list(endpoints)
    places = _places(chat.preferences)

    def rank(endpoint: Endpoint) -> tuple[int, bool, int, int]:
        place = places.get(endpoint.provider.slug, len(places))
        failed = health.recently_failed(endpoint.id)
        return place, failed, expected_cost_nanousd(endpoint, chat), endpoint.id

    return sorted(endpoints, key=rank)


def _places(preferences: Preferences) -> dict[str, int]:
    places: dict[str, int] = {}
    for slug in preferences.order:
        places.setdefault(slug, len(places))
    return places
