"""Which endpoints and credentials are fit to be used, from what this process has seen. Pure: time is passed in."""

from routing.health.board import Health
from routing.health.breaker import Breaker
from routing.health.limits import Limits

__all__ = ["Health", "Breaker", "Limits"]
