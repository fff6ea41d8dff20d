"""What was measured of endpoints, between JSON and facts. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from routing.types import Figures, Percentiles


def figures_from_json(found: Mapping[str, Any]) -> Figures:
    """Figures as a task stored them; names that a newer version wrote are left out."""
    known = {name: found[name] for name in Figures.__dataclass_fields__ if name in found}
    for name in ("latency_ms", "throughput_tps"):
        if known.get(name) is not None:
            known[name] = Percentiles(**known[name])
    return Figures(**known)


def figures_json(figures: Figures) -> dict[str, Any]:
    """The same, to be stored."""
    return asdict(figures)
