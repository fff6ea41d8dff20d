"""The route of a generation, kept with its record: who could have answered, in what order, and why not.

Short, as every record has one. `seats` are [endpoint id, place (0: left out), expected cost, health band, own account,
why it was left out]; `saved` is what the answer would have cost more at the dearest of those that could have given it.
"""

from collections.abc import Mapping
from typing import Any

from billing.pricing import Usage, cost_nanousd
from routing.proxy.choosing import Chosen
from routing.proxy.generation import Generation
from routing.ranking import expected_cost_nanousd
from routing.ranking.bands import NOTHING, band
from routing.types import ChatRequest, Endpoint, Figures

SEATS_MAX = 30


def route_of(chosen: Chosen, chat: ChatRequest, figures: Mapping[int, Figures]) -> dict[str, Any]:
    """What is known before the first call."""
    first = chosen.choices[0]
    route: dict[str, Any] = {"asked": chat.model, "strategy": first.strategy}
    if any(choice.sticky for choice in chosen.choices):
        route["sticky"] = True
    if chosen.why:
        route["auto"] = chosen.why
    seats = [
        _seat(endpoint, place, chat, figures, "") for place, endpoint in enumerate(chosen.endpoints[:SEATS_MAX], 1)
    ]
    for choice in chosen.choices:
        seats += [_seat(endpoint, 0, chat, figures, why) for endpoint, why in choice.left_out]
    route["seats"] = seats[:SEATS_MAX]
    return route


def _seat(endpoint: Endpoint, place: int, chat: ChatRequest, figures: Mapping[int, Figures], why: str) -> list[Any]:
    health = band(figures.get(endpoint.id, NOTHING))
    return [endpoint.id, place, expected_cost_nanousd(endpoint, chat), health, int(endpoint.byok), why]


def saved_nanousd(generation: Generation, usage: Usage, cost: int) -> int:
    """Against the dearest endpoint that could have answered, for the same usage."""
    return max((cost_nanousd(other.prices, usage) for other in generation.endpoints), default=cost) - cost
