"""A stored route in words: who could have answered, in what order, what became of each. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.ranking.bands import NAMES
from xroute.lib.money import usd_float

Names = tuple[str, str, str]  # model, provider's slug, provider's name
STRATEGIES = {
    "balanced": "balanced at random by 1/price²",
    "price": "cheapest first",
    "throughput": "most tokens a second first",
    "latency": "quickest first token first",
    "order": "in the order that was asked for, then cheapest first",
}
_OUTCOMES = {
    "answered": "answered",
    "rate_limited": "limited our rate",
    "credential": "refused our key",
    "not_found": "did not know the model",
    "invalid_request": "refused the request",
    "context_length": "found the prompt too long",
    "overloaded": "was overloaded",
    "server": "failed",
    "connect": "could not be reached",
    "timeout": "did not answer in time",
    "cut": "broke off",
    "too_large": "answered too much",
    "in_band": "answered with an error",
}
_SKIPPED = {
    "cooling": "its keys are limited just now",
    "refused": "its key was refused lately",
    "ejected": "it failed too often lately",
    "not_affordable": "the credit left does not cover its price",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One endpoint of a route. `place` 0: left out, `reason` says why; `outcome` is empty where it was not tried."""

    endpoint_id: int
    model: str
    provider: str
    provider_name: str
    byok: bool
    place: int
    expected_nanousd: int
    health: str
    reason: str
    outcome: str = ""
    ms: int = 0

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"

    def as_json(self) -> dict[str, Any]:
        return {
            "endpoint_id": self.endpoint_id,
            "model": self.model,
            "provider": self.provider,
            "provider_name": self.provider_name,
            "is_byok": self.byok,
            "place": self.place or None,
            "expected_cost": usd_float(self.expected_nanousd),
            "health": self.health,
            "outcome": self.outcome or ("left out" if not self.place else "not needed"),
            "reason": self.reason or None,
            "ms": self.ms,
        }


@dataclass(frozen=True, slots=True)
class Route:
    """Why a generation went where it went. `saved_nanousd` is against the dearest that could have answered."""

    asked: str
    strategy: str
    sticky: bool
    auto: str
    saved_nanousd: int
    candidates: Sequence[Candidate]

    @property
    def words(self) -> str:
        """The strategy in a sentence part."""
        return STRATEGIES.get(self.strategy, self.strategy)

    def as_json(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "strategy": self.strategy,
            "sticky": self.sticky,
            "auto": self.auto or None,
            "saved": usd_float(self.saved_nanousd),
            "candidates": [candidate.as_json() for candidate in self.candidates],
        }


def explained(
    route: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]], names: Callable[[int], Names | None]
) -> Route | None:
    """The route of a record; None where it has none (records of before, and demo data)."""
    if not route.get("seats"):
        return None
    tried = {(attempt.get("endpoint"), bool(attempt.get("byok"))): attempt for attempt in attempts}
    return Route(
        asked=str(route.get("asked", "")),
        strategy=str(route.get("strategy", "")),
        sticky=bool(route.get("sticky")),
        auto=str(route.get("auto", "")),
        saved_nanousd=int(route.get("saved", 0)),
        candidates=[_candidate(seat, tried, names) for seat in route["seats"]],
    )


def _candidate(
    seat: Sequence[Any],
    tried: Mapping[tuple[Any, bool], Mapping[str, Any]],
    names: Callable[[int], Names | None],
) -> Candidate:
    endpoint_id, place, cost, band, byok, why = seat
    model, provider, name = names(endpoint_id) or ("", f"endpoint {endpoint_id}", "no longer in the catalogue")
    attempt = tried.get((endpoint_id, bool(byok)))
    outcome, reason = _became(attempt) if attempt else ("", why)
    ms = int(attempt.get("ms", 0)) if attempt else 0
    return Candidate(endpoint_id, model, provider, name, bool(byok), place, cost, NAMES[band], reason, outcome, ms)


def _became(attempt: Mapping[str, Any]) -> tuple[str, str]:
    """The outcome of an attempt, and its reason where it was skipped or has a status."""
    outcome, detail = str(attempt.get("outcome", "")), str(attempt.get("detail", ""))
    if outcome == "skipped":
        return "skipped", _SKIPPED.get(detail, detail)
    return _OUTCOMES.get(outcome, outcome), f"status {detail}" if detail.isdigit() else detail
