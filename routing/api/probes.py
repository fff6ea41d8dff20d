"""GET /healthz (the process runs) and /readyz (it can serve)."""

from django.http import HttpResponse

from routing.runtime import current
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response


class Health(AsyncAPIView):
    public = True

    async def get(self, _request: LeanRequest) -> HttpResponse:
        return json_response({"status": "ok"})


class Ready(AsyncAPIView):
    public = True

    async def get(self, _request: LeanRequest) -> HttpResponse:
        reason = current().ready
        if reason:
            return json_response({"status": "unavailable", "reason": reason}, 503, {"Retry-After": "2"})
        return json_response({"status": "ready"})
