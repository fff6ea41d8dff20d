"""…/keys: a workspace's keys, made and changed by one of its management keys. Shapes are OpenRouter's."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from accounts import key_management as managed
from accounts.authentication import ManagementAuthentication
from accounts.key_management import ManagedKey
from billing import selectors
from billing.selectors import KeyUsage
from routing.api.key_fields import key_fields
from routing.runtime import Runtime, current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.clock import period_start
from xroute.lib.errors import ApiError, invalid
from xroute.lib.money import usd_float

OFFSET_MAX = 10**6


def key_json(key: ManagedKey, usage: KeyUsage, spent: int) -> dict[str, Any]:
    """A key without its secret; amounts are USD, `spent` is that of the running period."""
    limit = key.limit_nanousd
    return {
        "hash": key.hash,
        "name": key.name,
        "label": key.label,
        "disabled": key.disabled,
        "limit": None if limit is None else usd_float(limit),
        "limit_remaining": None if limit is None else usd_float(max(0, limit - spent)),
        "limit_reset": None if key.limit_reset == "never" else key.limit_reset,
        "include_byok_in_limit": False,
        "usage": usd_float(usage.total),
        "usage_daily": usd_float(usage.daily),
        "usage_weekly": usd_float(usage.weekly),
        "usage_monthly": usd_float(usage.monthly),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "parallel_requests": key.parallel_requests,
        "allowed_models": list(key.allowed_models),
        "allowed_cidrs": list(key.allowed_cidrs),
        "created_at": key.created_at.isoformat(),
        "updated_at": key.updated_at and key.updated_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
    }


async def _shown(runtime: Runtime, keys: Sequence[ManagedKey]) -> list[dict[str, Any]]:
    """Keys with what each has spent."""
    today = runtime.clock.today()
    usage = await selectors.keys_usage(runtime.db, key_ids=[key.id for key in keys], today=today)
    periods = {key.id: period_start(today, key.limit_reset) for key in keys if key.limit_nanousd is not None}
    spent = await selectors.keys_periods_spent(runtime.db, periods=periods) if periods else {}
    return [key_json(key, usage[key.id], spent.get(key.id, 0)) for key in keys]


def _unknown(hash_: str) -> ApiError:
    message = f"There is no key {hash_[:64]!r} in this workspace. GET /api/v1/keys lists all."
    return invalid(message, param="hash", code="key_not_found", status=404)


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:10]) <= OFFSET_MAX):
        raise invalid(f"offset must be a whole number from 0 to {OFFSET_MAX}.", param="offset", code="invalid_value")
    return int(text)


def _disabled_too(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", ""):
        message = "include_disabled must be true or false."
        raise invalid(message, param="include_disabled", code="invalid_value")
    return text.lower() in ("true", "1")


class KeyList(AsyncAPIView):
    authentication_classes = [ManagementAuthentication]

    async def get(self, request: LeanRequest) -> HttpResponse:
        """A hundred at a time, the newest first."""
        runtime = current()
        offset = _offset(request.GET.get("offset", "0"))
        disabled = _disabled_too(request.GET.get("include_disabled", ""))
        keys = await managed.keys_list(
            runtime.db, workspace_id=request.caller.workspace_id, offset=offset, disabled=disabled
        )
        return json_response({"data": await _shown(runtime, keys)})

    async def post(self, request: LeanRequest) -> HttpResponse:
        """A key, told this once. Sent again, it makes another."""
        runtime = current()
        values = key_fields(request.body, runtime.catalogue.snapshot, new=True)
        made = await managed.key_create(runtime.db, by_key_id=request.caller.key_id, values=values)
        if made is None:
            message = f"A workspace can have {managed.KEYS_MAX} keys. Delete some first."
            raise ApiError(403, "permission_error", "too_many_keys", message)
        (shown,) = await _shown(runtime, [made.key])
        return json_response({"data": shown, "key": made.secret}, 201, {"Cache-Control": "no-store"})


class KeyDetail(AsyncAPIView):
    authentication_classes = [ManagementAuthentication]

    async def get(self, request: LeanRequest, hash_: str) -> HttpResponse:
        runtime = current()
        return await self._answer(
            hash_, await managed.key_find(runtime.db, workspace_id=request.caller.workspace_id, hash_=hash_)
        )

    async def patch(self, request: LeanRequest, hash_: str) -> HttpResponse:
        runtime = current()
        values = key_fields(request.body, runtime.catalogue.snapshot, new=False)
        return await self._answer(
            hash_,
            await managed.key_change(runtime.db, workspace_id=request.caller.workspace_id, hash_=hash_, values=values),
        )

    async def delete(self, request: LeanRequest, hash_: str) -> HttpResponse:
        """Every call with it is refused within 5 seconds, for good; what it spent stays in the books."""
        if not await managed.key_delete(current().db, workspace_id=request.caller.workspace_id, hash_=hash_):
            raise _unknown(hash_)
        return json_response({"deleted": True})

    async def _answer(self, hash_: str, key: ManagedKey | None) -> HttpResponse:
        if key is None:
            raise _unknown(hash_)
        return json_response({"data": (await _shown(current(), [key]))[0]})
