"""GET …/activity: what the workspace used on each of the last thirty completed days, for management keys."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse

from accounts.authentication import ManagementAuthentication
from billing.activity import DAYS, Activity, activity
from routing.runtime import current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.errors import invalid
from xroute.lib.money import usd_float


def activity_json(row: Activity) -> dict[str, Any]:
    """OpenRouter's shape; `usage` is USD."""
    return {
        "date": row.day.isoformat(),
        "model": row.model,
        "model_permaslug": row.model,
        "provider_name": row.provider,
        "usage": usd_float(row.cost_nanousd),
        "requests": row.requests,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "reasoning_tokens": row.reasoning_tokens,
    }


def days_asked(text: str, today: date) -> tuple[date, date]:
    """First and last day; raises ApiError 400 for a day that is not one of the last thirty completed ones."""
    first, last = today - timedelta(days=DAYS), today - timedelta(days=1)
    if not text:
        return first, last
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not first <= day <= last:
        message = f"date must be a day (UTC) from {first} to {last}, such as {last}."
        raise invalid(message, param="date", code="invalid_value")
    return day, day


class ActivityList(AsyncAPIView):
    authentication_classes = [ManagementAuthentication]

    async def get(self, request: LeanRequest) -> HttpResponse:
        runtime = current()
        first, last = days_asked(request.GET.get("date", ""), runtime.clock.today())
        rows = await activity(runtime.db, workspace_id=request.caller.workspace_id, first=first, last=last)
        return json_response({"data": [activity_json(row) for row in rows]})
