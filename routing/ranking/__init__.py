"""choose: which endpoints may answer a request, best first, and why the others may not. Pure."""

from routing.ranking.choose import Choice, HealthView, candidates
from routing.ranking.costs import expected_cost_nanousd

__all__ = ["Choice", "HealthView", "candidates", "expected_cost_nanousd"]
