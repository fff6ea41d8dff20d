"""A small API plane: one view per thing that the handler and the view base promise."""

# ruff: noqa: ARG002 (a view's arguments are given, used or not)

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response
from xroute.lib.errors import ApiError, invalid

PROMPT = "a secret prompt"
seen: list[str] = []
gone: asyncio.Queue[str] = asyncio.Queue()
requests: list[LeanRequest] = []


class Bearer:
    async def authenticate(self, request: HttpRequest) -> tuple[str, None] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header == "Bearer broken":
            raise KeyError(header)
        if header == "Bearer outage":
            raise ConnectionRefusedError("no database")
        return (header.removeprefix("Bearer "), None) if header else None

    def authenticate_header(self, _request: HttpRequest) -> str:
        return "Bearer"


class Blocking:
    """What DRF itself would bring: not awaitable."""

    def authenticate(self, request: HttpRequest) -> tuple[str, None]:
        return "anyone", None


class Permission:
    async def has_permission(self, request: LeanRequest, view: Any) -> bool:
        return bool(request.caller != "stranger")


class Throttle:
    async def allow_request(self, request: LeanRequest, view: Any) -> bool:
        return bool(request.caller != "eager")

    def wait(self) -> float:
        return 6.2


class Echo(AsyncAPIView):
    authentication_classes = [Bearer]
    permission_classes = [Permission]
    throttle_classes = [Throttle]

    async def get(self, request: LeanRequest) -> HttpResponse:
        seen.append(request.caller)
        return json_response({"caller": request.caller, "id": request.request_id})

    async def post(self, request: LeanRequest) -> HttpResponse:
        seen.append(request.caller)
        return json_response({"length": len(request.body)}, headers={"x-generation-id": "gen-1"})


class Unawaitable(AsyncAPIView):
    authentication_classes = [Blocking]

    async def get(self, request: LeanRequest) -> HttpResponse:
        seen.append("unawaitable")
        return json_response({})


class Empty(AsyncAPIView):
    public = True

    async def get(self, request: LeanRequest) -> HttpResponse:
        return json_response({"ok": True})

    post = get


class Slow(AsyncAPIView):
    """Waits until the client is gone, then says so; never cancelled."""

    public = True

    async def get(self, request: LeanRequest) -> HttpResponse:
        requests.append(request)
        await request.disconnected.wait()
        await asyncio.sleep(0.05)
        gone.put_nowait("plain")
        return json_response({})

    post = get


class Sleep(AsyncAPIView):
    public = True

    async def get(self, request: LeanRequest, ms: int) -> HttpResponse:
        requests.append(request)
        await asyncio.sleep(ms / 1000)
        return json_response({"slept": ms})


class Stream(AsyncAPIView):
    public = True

    async def get(self, request: LeanRequest, kind: str) -> StreamingHttpResponse:
        requests.append(request)
        return StreamingHttpResponse(getattr(self, kind)(request), content_type="text/event-stream")

    async def three(self, request: LeanRequest) -> AsyncIterator[bytes | str]:
        for part in (b"data: 1\n\n", "", "data: ü\n\n", b"data: [DONE]\n\n"):
            yield part
            await asyncio.sleep(0.01)

    async def waiting(self, request: LeanRequest) -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        await request.disconnected.wait()
        gone.put_nowait("stream")

    async def endless(self, request: LeanRequest) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            gone.put_nowait("closed")

    async def failing(self, request: LeanRequest) -> AsyncIterator[bytes]:
        yield b"data: first\n\n"
        raise ValueError(PROMPT)


ERRORS: dict[str, Any] = {
    "api": invalid("Wrong.", param="model", code="bad_model"),
    "billed": ApiError(502, "api_error", "provider_error", "Gone.", metadata={"may_be_billed": True, "n": 1}),
    "missing": Http404("no"),
    "denied": PermissionDenied("no"),
    "bug": KeyError(PROMPT),
}


async def fail(request: LeanRequest, name: str) -> HttpResponse:
    raise ERRORS[name]


async def nothing(request: LeanRequest) -> None:
    return None


async def sync_stream(request: LeanRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"1"]))


def blocking(request: LeanRequest) -> HttpResponse:
    return HttpResponse("no")


async def function(request: LeanRequest) -> HttpResponse:
    return json_response({"length": len(request.body)})


urlpatterns = [
    path("v1/echo", Echo.as_view()),
    path("v1/empty", Empty.as_view()),
    path("v1/unawaitable", Unawaitable.as_view()),
    path("v1/slow", Slow.as_view()),
    path("v1/sleep/<int:ms>", Sleep.as_view()),
    path("v1/stream/<str:kind>", Stream.as_view()),
    path("v1/fail/<str:name>", fail),
    path("v1/nothing", nothing),
    path("v1/sync-stream", sync_stream),
    path("v1/blocking", blocking),
    path("v1/function", function),
]
