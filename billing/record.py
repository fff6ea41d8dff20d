"""A finished generation as it is booked. Pure: facts in, one JSON-able record out, everything clamped.

Strings and numbers that came from upstream are cut to what the database takes: a strange answer must never be
able to stop the billing of others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from billing.pricing import Usage
from xroute.lib import ids

Basis = Literal["reported", "estimated", "not_charged"]
TOKENS_MAX = 2**31 - 1
COST_MAX = 10**15
MS_MAX = 2**31 - 1
MARGIN_MAX, ROUTE_ITEMS_MAX = 90_000, 40


@dataclass(slots=True)
class UsageRecord:
    """What the ledger keeps of a generation. `cost` is charged; `house` is what the house bears instead.

    `list_cost` is what the same usage costs at the provider's own prices, which the house pays there unless `byok`;
    `margin_bp` is what was put on top. `route` explains the choice (routing/proxy/route.py).
    """

    id: UUID
    workspace_id: int
    account_id: int
    key_id: int
    period: date | None
    request_id: str
    model: str
    provider: str = ""
    endpoint_id: int = 0
    price_id: int = 0
    upstream_id: str = ""
    streamed: bool = False
    cancelled: bool = False
    basis: Basis = "not_charged"
    reason: str = ""
    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: int = 0
    house: int = 0
    latency_ms: int = 0
    first_byte_ms: int = 0
    attempts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    list_cost: int = 0
    margin_bp: int = 0
    byok: bool = False
    route: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, *, held: int, key_held: int) -> dict[str, Any]:
        """The shape that xr_meter_commit reads."""
        usage = self.usage.normalised()
        return {
            "created_at": ids.created_at(self.id).isoformat(),
            "id": str(self.id),
            "workspace": self.workspace_id,
            "account": self.account_id,
            "key": self.key_id,
            "period": self.period.isoformat() if self.period else None,
            "request_id": text(self.request_id, 100),
            "upstream_id": text(self.upstream_id, 200),
            "model": text(self.model, 200),
            "provider": text(self.provider, 100),
            "endpoint": self.endpoint_id,
            "price": self.price_id,
            "streamed": self.streamed,
            "cancelled": self.cancelled,
            "basis": self.basis,
            "reason": text(self.reason, 60),
            "finish_reason": text(self.finish_reason, 60),
            "prompt": number(usage.prompt, TOKENS_MAX),
            "completion": number(usage.completion, TOKENS_MAX),
            "cached": number(usage.cached, TOKENS_MAX),
            "cache_write": number(usage.cache_write, TOKENS_MAX),
            "reasoning": number(usage.reasoning, TOKENS_MAX),
            "cost": number(self.cost, COST_MAX),
            "house": number(self.house, COST_MAX),
            "held": held,
            "key_held": key_held,
            "latency_ms": number(self.latency_ms, MS_MAX),
            "first_byte_ms": number(self.first_byte_ms, MS_MAX),
            "attempts": [{name: _plain(value) for name, value in attempt.items()} for attempt in self.attempts],
            "list_cost": number(self.list_cost, COST_MAX),
            "margin_bp": number(self.margin_bp, MARGIN_MAX),
            "byok": self.byok,
            "route": _bounded(self.route),
        }


def text(value: str, length_max: int) -> str:
    """`value` without NUL and lone surrogates, which PostgreSQL refuses, cut to a length."""
    return value.replace("\x00", "")[:length_max].encode("utf-8", "replace").decode("utf-8")


def number(value: int, most: int) -> int:
    """`value` between 0 and `most`."""
    return min(max(int(value), 0), most)


def _bounded(value: Any, depth: int = 4) -> Any:
    """A value of our own making, cut to what is worth keeping: it may name what callers and upstreams sent."""
    if isinstance(value, Mapping):
        pairs = list(value.items())[:ROUTE_ITEMS_MAX] if depth else []
        return {text(str(name), 60): _bounded(item, depth - 1) for name, item in pairs}
    if isinstance(value, list | tuple):
        return [_bounded(item, depth - 1) for item in value[:ROUTE_ITEMS_MAX]] if depth else []
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value of an attempt that JSON and PostgreSQL take."""
    if isinstance(value, str):
        return text(value, 200)
    return max(-COST_MAX, min(value, COST_MAX)) if isinstance(value, int) else value
