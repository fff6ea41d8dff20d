"""In which order fit endpoints are tried: the caller's own, then the healthy, then by the strategy."""

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from random import random

from routing.ranking.bands import NOTHING, band, wishes_unmet
from routing.ranking.costs import expected_cost_nanousd
from routing.ranking.fitness import named
from routing.types import ChatRequest, Endpoint, Figures, Preferences

BALANCED = "balanced"
Draw = Callable[[Endpoint], float]


def strategy_of(preferences: Preferences, default_sort: str | None) -> str:
    """order, price, throughput, latency or balanced: giving `order` or `sort` turns balancing off."""
    if preferences.sort:
        return preferences.sort
    if preferences.order:
        return "order"
    return default_sort or BALANCED


def sticky_draw(seed: bytes) -> Draw:
    """The same number between 0 and 1 for the same seed and endpoint, on every worker."""

    def draw(endpoint: Endpoint) -> float:
        digest = blake2b(seed, digest_size=7, salt=endpoint.id.to_bytes(8, "big", signed=True)).digest()
        return (int.from_bytes(digest, "big") + 1) / (2**56 + 1)

    return draw


def random_draw(_endpoint: Endpoint) -> float:
    return 1.0 - random()  # noqa: S311  # in (0, 1]: its logarithm is taken


def ordered(
    endpoints: Sequence[Endpoint],
    chat: ChatRequest,
    strategy: str,
    *,
    failed: Callable[[int], bool],
    figures: Mapping[int, Figures],
    draw: Draw,
) -> list[Endpoint]:
    """Best first. A workspace's own accounts come before the installation's, within the caller's order."""
    if len(endpoints) < 2:
        return list(endpoints)
    wanted = chat.preferences
    key = _KEYS[strategy]

    def rank(endpoint: Endpoint) -> tuple[object, ...]:
        measured = figures.get(endpoint.id, NOTHING)
        return (
            _place(endpoint, wanted.order),
            not endpoint.byok,
            wishes_unmet(measured, wanted),
            failed(endpoint.id),
            band(measured),
            *key(endpoint, chat, measured, draw),
            endpoint.id,
        )

    return sorted(endpoints, key=rank)


def _place(endpoint: Endpoint, order: tuple[str, ...]) -> int:
    for place, name in enumerate(order):
        if named(endpoint, (name,)):
            return place
    return len(order)


def _by_price(endpoint: Endpoint, chat: ChatRequest, _measured: Figures, _draw: Draw) -> tuple[float, ...]:
    return (expected_cost_nanousd(endpoint, chat),)


def _by_throughput(endpoint: Endpoint, chat: ChatRequest, measured: Figures, _draw: Draw) -> tuple[float, ...]:
    known = measured.throughput_tps
    return (math.inf if known is None else -known.p50, expected_cost_nanousd(endpoint, chat))


def _by_latency(endpoint: Endpoint, chat: ChatRequest, measured: Figures, _draw: Draw) -> tuple[float, ...]:
    known = measured.latency_ms
    return (math.inf if known is None else known.p50, expected_cost_nanousd(endpoint, chat))


def _balanced(endpoint: Endpoint, chat: ChatRequest, _measured: Figures, draw: Draw) -> tuple[float, ...]:
    """At random by 1/price²: the smallest of -ln(u)/weight wins as often as its weight says (Efraimidis, Spirakis)."""
    cost = float(expected_cost_nanousd(endpoint, chat))
    return (-math.log(draw(endpoint)) * cost * cost, cost)


_KEYS = {
    "price": _by_price,
    "order": _by_price,
    "throughput": _by_throughput,
    "latency": _by_latency,
    BALANCED: _balanced,
}
