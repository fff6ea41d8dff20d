"""GET …/key and …/credits: what this key and its workspace have spent and may spend."""

from datetime import UTC, datetime

from django.http import HttpResponse

from accounts.authentication import BearerAuthentication
from billing import selectors
from routing.runtime import current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.clock import period_start
from xroute.lib.money import usd_float


class Key(AsyncAPIView):
    authentication_classes = [BearerAuthentication]

    async def get(self, request: LeanRequest) -> HttpResponse:
        runtime, caller = current(), request.caller
        today = runtime.clock.today()
        usage = await selectors.key_usage(runtime.db, key_id=caller.key_id, today=today)
        left = None
        if caller.limit_nanousd is not None:
            period = period_start(today, caller.limit_reset)
            spent = await selectors.key_period_spent(runtime.db, key_id=caller.key_id, period_start=period)
            left = usd_float(max(0, caller.limit_nanousd - spent))
        expires = caller.ends_at and datetime.fromtimestamp(caller.ends_at, UTC).isoformat()
        data = {
            "label": caller.label,
            "name": caller.name,
            "limit": None if caller.limit_nanousd is None else usd_float(caller.limit_nanousd),
            "limit_remaining": left,
            "limit_reset": None if caller.limit_reset == "never" else caller.limit_reset,
            "usage": usd_float(usage.total),
            "usage_daily": usd_float(usage.daily),
            "usage_weekly": usd_float(usage.weekly),
            "usage_monthly": usd_float(usage.monthly),
            "include_byok_in_limit": False,
            "expires_at": expires,
            "is_provisioning_key": caller.is_management,
            "is_management_key": caller.is_management,
            "is_free_tier": False,
            "rate_limit": {"requests": runtime.windows.limits(caller).requests or None, "interval": "1m"},
            "allowed_models": sorted(caller.allowed_models),
            "allowed_cidrs": [str(network) for network in caller.allowed_networks],
        }
        return json_response({"data": data})


class Credits(AsyncAPIView):
    authentication_classes = [BearerAuthentication]

    async def get(self, request: LeanRequest) -> HttpResponse:
        total, used = await selectors.workspace_totals(current().db, workspace_id=request.caller.workspace_id)
        return json_response({"data": {"total_credits": usd_float(total), "total_usage": usd_float(used)}})
