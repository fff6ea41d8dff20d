"""How well an endpoint does, in few words: by what was measured here, and what failed just now."""

from routing.types import Figures, Percentiles, Preferences

NORMAL, DEGRADED, FALLBACK = 0, 1, 2
NAMES = ("normal", "degraded", "fallback only")
REQUESTS_MIN, NORMAL_MIN, DEGRADED_MIN = 100, 0.95, 0.80
NOTHING = Figures()


def band(figures: Figures) -> int:
    """By the uptime of the last 30 minutes; of too few requests nothing follows."""
    if figures.requests_30m < REQUESTS_MIN or figures.uptime_30m is None or figures.uptime_30m >= NORMAL_MIN:
        return NORMAL
    return DEGRADED if figures.uptime_30m >= DEGRADED_MIN else FALLBACK


def wishes_unmet(figures: Figures, wanted: Preferences) -> bool:
    """Whether a preferred throughput or latency is missed, or not known to be met."""
    for percentile, least in wanted.throughput_min:
        if _value(figures.throughput_tps, percentile, 0.0) < least:
            return True
    return any(_value(figures.latency_ms, name, float("inf")) > most * 1000 for name, most in wanted.latency_max)


def _value(measured: Percentiles | None, percentile: str, unknown: float) -> float:
    return unknown if measured is None else float(getattr(measured, percentile))
