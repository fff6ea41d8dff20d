"""choose: filter, then order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from routing.ranking.fitness import unfit
from routing.ranking.order import Draw, ordered, random_draw, strategy_of
from routing.types import ChatRequest, Endpoint, Figures

OUT = "out of service"
NO_FALLBACKS = "fallbacks are not allowed"
_NO_FIGURES: Mapping[int, Figures] = {}


class HealthView(Protocol):
    """What ranking asks of routing.health."""

    def available(self, endpoint: Endpoint) -> bool: ...

    def recently_failed(self, endpoint_id: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Endpoints to try in order, and why each other one was left out (one sentence part)."""

    endpoints: list[Endpoint]
    left_out: list[tuple[Endpoint, str]]
    strategy: str = "price"
    sticky: bool = field(default=False)

    @property
    def reasons(self) -> list[str]:
        """Each reason once, sorted."""
        return sorted({why for _, why in self.left_out})


def candidates(
    endpoints: Sequence[Endpoint],
    chat: ChatRequest,
    health: HealthView,
    *,
    figures: Mapping[int, Figures] = _NO_FIGURES,
    draw: Draw = random_draw,
    default_sort: str | None = None,
) -> Choice:
    """Filter, then order.

    Endpoints out of service are dropped, unless all are: then one may have recovered, and is tried.
    """
    left_out: list[tuple[Endpoint, str]] = []
    usable: list[Endpoint] = []
    out: list[Endpoint] = []
    for endpoint in endpoints:
        if why := unfit(endpoint, chat):
            left_out.append((endpoint, why))
        else:
            (usable if health.available(endpoint) else out).append(endpoint)
    if usable:
        left_out += [(endpoint, OUT) for endpoint in out]
    strategy = strategy_of(chat.preferences, default_sort)
    best = ordered(usable or out, chat, strategy, failed=health.recently_failed, figures=figures, draw=draw)
    if not chat.preferences.allow_fallbacks:
        left_out += [(endpoint, NO_FALLBACKS) for endpoint in best[1:]]
        best = best[:1]
    return Choice(best, left_out, strategy, draw is not random_draw)
