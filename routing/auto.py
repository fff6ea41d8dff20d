"""`xroute/auto`: a model by the size of the request, what it needs, and a cap on the price. Pure.

A request is light, middling or heavy: a long prompt is a step up, and so are tools, reasoning or a JSON schema. Each
step has a cap on the price of a completion token, unless the caller gave one in provider.max_price. Of the models
that can take the request below the cap, the dearest are taken: what they are asked for is the best that a market of
many buyers tells of how able they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from routing.ranking.fitness import unfit
from routing.types import ChatRequest, Endpoint

AUTO = "xroute/auto"
NAMES = frozenset((AUTO, "openrouter/auto", "auto"))
STEPS = ("light", "middling", "heavy")
CAPS_NANOUSD = (1_000_000_000, 5_000_000_000, 15_000_000_000)  # per million completion tokens
LONG_TOKENS = 4_000
DEMANDING = frozenset(("tools", "reasoning", "json_schema"))
MODELS_MAX = 3


@dataclass(frozen=True, slots=True)
class Pick:
    """Models to try, best first, and why in one sentence."""

    slugs: list[str]
    why: str


def step(chat: ChatRequest) -> int:
    """0 to 2: how much is asked."""
    return int(chat.prompt_tokens_expected > LONG_TOKENS) + int(not DEMANDING.isdisjoint(chat.needs))


def pick(endpoints: Mapping[str, Sequence[Endpoint]], chat: ChatRequest, allowed: Iterable[str] = ()) -> Pick:
    """Of these models (of `allowed` ones only, where any are named); none where none can take the request."""
    number = step(chat)
    own_cap = chat.preferences.max_price.completion if chat.preferences.max_price else None
    cap = CAPS_NANOUSD[number] if own_cap is None else own_cap
    names = frozenset(allowed)
    prices = {
        slug: price
        for slug, found in endpoints.items()
        if (not names or slug in names) and (price := _price(found, chat)) is not None
    }
    below = [slug for slug, price in prices.items() if price <= cap]
    if below:
        best = sorted(below, key=lambda slug: (-prices[slug], -endpoints[slug][0].model.created, slug))
    else:
        best = sorted(prices, key=lambda slug: (prices[slug], slug)) if own_cap is None else []
    about = f"a {STEPS[number]} request, so at most {cap / 1e9:g} USD per million completion tokens"
    return Pick(best[:MODELS_MAX], about if below else f"{about}; nothing that fits is below that")


def _price(endpoints: Sequence[Endpoint], chat: ChatRequest) -> int | None:
    """A completion token's price at the cheapest that can take the whole request."""
    fit = [endpoint for endpoint in endpoints if not unfit(endpoint, chat) and not _lacking(endpoint, chat)]
    return min((endpoint.prices.output for endpoint in fit), default=None)


def _lacking(endpoint: Endpoint, chat: ChatRequest) -> bool:
    return not (chat.needs & DEMANDING) <= endpoint.capabilities
