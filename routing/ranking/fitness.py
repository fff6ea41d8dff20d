"""Whether an endpoint can take a request at all: the conditions of the caller, and what the request needs."""

from routing.providers import adapter
from routing.types import ChatRequest, Endpoint, MaxPrice, Preferences

# Without these the request fails, or costs what is not accounted for; other needs an endpoint may simply ignore.
HARD_NEEDS = frozenset(("tools", "vision", "audio", "file", "video", "audio_output", "web_search"))
UNSPOKEN = "has no words for"


def unfit(endpoint: Endpoint, chat: ChatRequest) -> str:
    """Why `endpoint` cannot take the request, as a part of a sentence; empty where it can."""
    if chat.preferences and (why := _unwanted(endpoint, chat.preferences)):
        return why
    if chat.prompt_tokens_expected > endpoint.context_length:
        return f"its context of {endpoint.context_length} tokens is too short"
    if missing := _missing(endpoint, chat):
        return f"it lacks {', '.join(sorted(missing))}"
    fields = adapter(endpoint.provider.wire_format).cannot(chat)
    return f"it {UNSPOKEN} {', '.join(sorted(fields))}" if fields else ""


def named(endpoint: Endpoint, names: tuple[str, ...]) -> bool:
    """Whether one of `names` means it: the provider's slug or name, or slug/quantization or slug/region."""
    slug = endpoint.provider.slug
    if slug in names or endpoint.provider.name.casefold() in names:
        return True
    return any(part and f"{slug}/{part}".casefold() in names for part in (endpoint.quantization, endpoint.region))


def _unwanted(endpoint: Endpoint, wanted: Preferences) -> str:
    if wanted.only and not named(endpoint, wanted.only):
        return "not among provider.only"
    if wanted.ignore and named(endpoint, wanted.ignore):
        return "listed in provider.ignore"
    if wanted.order and not wanted.allow_fallbacks and not named(endpoint, wanted.order):
        return "not in provider.order, and fallbacks are not allowed"
    if wanted.zdr and not endpoint.provider.zdr:
        return "it may keep data, and provider.zdr is set"
    if wanted.deny_data_collection and endpoint.provider.collects_data:
        return "it may collect data, and provider.data_collection is deny"
    if wanted.quantizations and (endpoint.quantization or "unknown") not in wanted.quantizations:
        return "its quantization is not among provider.quantizations"
    if wanted.free and any((endpoint.prices.dearest_input, endpoint.prices.dearest_output, endpoint.prices.request)):
        return "it is not free"
    return _too_dear(endpoint, wanted.max_price) if wanted.max_price else ""


def _too_dear(endpoint: Endpoint, most: MaxPrice) -> str:
    prices = endpoint.prices
    for name, price, limit in (
        ("prompt", prices.input, most.prompt),
        ("completion", prices.output, most.completion),
        ("request", prices.request, most.request),
        ("image", prices.image, most.image),
    ):
        if limit is not None and price > limit:
            return f"its {name} price is above provider.max_price"
    return ""


def _missing(endpoint: Endpoint, chat: ChatRequest) -> frozenset[str]:
    needs = chat.needs if chat.preferences.require_parameters else chat.needs & HARD_NEEDS
    return needs - endpoint.capabilities
