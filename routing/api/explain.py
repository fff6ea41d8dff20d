"""POST …/route/explain: where this very request would go, and why. Nothing is sent, reserved or billed."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from accounts.authentication import CallAuthentication
from routing import parse
from routing.api.models import usd_per_token
from routing.catalogue import Snapshot
from routing.explain import STRATEGIES, Candidate, Names, explained
from routing.proxy.choosing import choose
from routing.proxy.generation import Generation
from routing.proxy.route import route_of
from routing.runtime import Runtime, current
from routing.types import Figures, Percentiles
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.ids import new_id
from xroute.lib.money import usd_float


class RouteExplain(AsyncAPIView):
    authentication_classes = [CallAuthentication]

    async def post(self, request: LeanRequest) -> HttpResponse:
        runtime = current()
        chat = parse.chat_request(request.body)
        chosen = choose(runtime, request.caller, chat)
        snapshot, figures = runtime.catalogue.snapshot, runtime.catalogue.figures
        route = explained(route_of(chosen, chat, figures), (), lambda number: names_of(snapshot, number))
        assert route is not None  # whoever chooses seats at least one
        generation = Generation(
            new_id(runtime.clock.now_ms()), request.request_id, request.caller, chat, chosen.endpoints
        )
        data = {
            "asked": route.asked,
            "strategy": route.strategy,
            "why": STRATEGIES.get(route.strategy, route.strategy),
            "sticky": route.sticky,
            "auto": route.auto or None,
            "attempts_max": max(runtime.limits.attempts_max, 1 + len(chat.fallbacks)),
            "prompt_tokens_expected": chat.prompt_tokens_expected,
            "needs": sorted(chat.needs),
            "upper_bound": usd_float(generation.bound(chosen.endpoints[0])),
            "candidates": [_shown(one, runtime) for one in route.candidates],
        }
        return json_response({"data": data})


def names_of(snapshot: Snapshot, endpoint_id: int) -> Names | None:
    """How people call an endpoint."""
    endpoint = snapshot.endpoint(endpoint_id)
    return None if endpoint is None else (endpoint.model.slug, endpoint.provider.slug, endpoint.provider.name)


def _shown(one: Candidate, runtime: Runtime) -> dict[str, Any]:
    endpoint = runtime.catalogue.snapshot.endpoint(one.endpoint_id)
    prices = endpoint.prices if endpoint else None
    found = one.as_json() | {"outcome": "left out" if not one.place else "would be tried"}
    found |= {
        "pricing": {"prompt": usd_per_token(prices.input), "completion": usd_per_token(prices.output)}
        if prices
        else None
    }
    return found | _measured(runtime.catalogue.figures, one.endpoint_id)


def _measured(figures: Mapping[int, Figures], endpoint_id: int) -> dict[str, Any]:
    measured = figures.get(endpoint_id, Figures())
    return {
        "uptime_last_30m": measured.uptime_30m,
        "latency_last_30m": _percentiles(measured.latency_ms),
        "throughput_last_30m": _percentiles(measured.throughput_tps),
    }


def _percentiles(found: Percentiles | None) -> dict[str, float] | None:
    return None if found is None else {"p50": found.p50, "p75": found.p75, "p90": found.p90, "p99": found.p99}
