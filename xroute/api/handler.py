"""The lean plane: Django's URLconf, request and views without middleware, signals, threads or files.

scope → LeanRequest → admit (demo, Host, room) → view → send
          └─ every exception on the way → xroute.api.errors → OpenAI's JSON
"""

import asyncio
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver

from xroute.api import cors, demo, errors
from xroute.api.body import Bodies, ClientGone, Receive
from xroute.api.hosts import Hosts
from xroute.api.limits import Limits
from xroute.api.request import LeanRequest
from xroute.api.sending import Send, send_response
from xroute.lib.errors import ApiError, invalid, unavailable

PATHS_MAX = 1024  # resolved paths are remembered; unknown ones are not


class LeanHandler(ASGIHandler):
    """An ASGI application over the views of `urlconf`, all of which must be async.

    A view whose `loads_body` is true (every AsyncAPIView) reads the body itself, after it knows who calls;
    for any other view it is read before. Limits and hosts are read from the settings once, here.
    """

    def __init__(self, urlconf: str, limits: Limits | None = None) -> None:
        super().__init__()
        self.urlconf = urlconf
        self.limits = limits or Limits.from_settings()
        self.bodies = Bodies(self.limits.bodies_bytes_max)
        self.inflight = 0
        self._resolve = lru_cache(maxsize=PATHS_MAX)(get_resolver(urlconf).resolve)
        self._hosts = Hosts(settings.ALLOWED_HOSTS, debug=settings.DEBUG)
        self._demo = settings.XROUTE_MODE == "demo"

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002
        """None at all, whatever MIDDLEWARE says."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = self._call_view

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"LeanHandler serves HTTP only, not {scope['type']}.")
        await self.handle(scope, receive, send)

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, free what it held."""
        request, fault = self._make_request(scope, receive)
        self.inflight += 1
        try:
            response = errors.response(fault, request) if fault else await self._respond(request)
            await send_response(request, response, send, stall_s=self.limits.stream_stall_s)
        except ClientGone:
            pass
        finally:
            self.inflight -= 1
            request.finish()

    def _make_request(self, scope: dict[str, Any], receive: Receive) -> tuple[LeanRequest, ApiError | None]:
        fault = None
        try:
            request = LeanRequest(scope, receive, self.bodies, self.limits)
        except UnicodeDecodeError:
            fault = invalid("The query string is not UTF-8.", code="bad_request")
            request = LeanRequest(scope | {"query_string": b""}, receive, self.bodies, self.limits)
        request.urlconf = self.urlconf
        return request, fault

    async def _respond(self, request: LeanRequest) -> HttpResponseBase:
        try:
            self._admit(request)
            if request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
                requested = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
                return HttpResponse(status=204, headers=cors.preflight_headers(requested))
            return await self._call_view(request)
        except ClientGone:
            raise
        except asyncio.CancelledError:
            # The server gave up waiting at its shutdown. What the view had begun may have been billed.
            error = unavailable("The server was restarted before it could answer.")
            error.metadata["may_be_billed"] = True
            return errors.response(error, request)
        except Exception as error:
            return errors.response(error, request)

    def _admit(self, request: LeanRequest) -> None:
        """Raise ApiError where this request must not go any further."""
        if self._demo and (why := demo.refusal(request.scope)):
            raise ApiError(403, "permission_error", "demo_is_local", why)
        host = request.META.get("HTTP_HOST", "")
        if not host and request.scope["http_version"] == "1.0":
            host = request.META["SERVER_NAME"]
        if not self._hosts.allows(host):
            raise errors.bad_host()
        if self.inflight > self.limits.inflight_max:
            raise unavailable("Too many requests are being served right now. Try again shortly.")

    async def _call_view(self, request: LeanRequest) -> HttpResponseBase:
        try:
            match = self._resolve(request.path_info)
        except Resolver404:
            message = f"There is nothing at {request.method} {request.path[:200]}. Check the base URL and the path."
            raise invalid(message, code="unknown_url", status=404) from None
        request.resolver_match = match
        if not getattr(match.func, "loads_body", False):
            await request.load_body()
        response = await match.func(request, *match.args, **match.kwargs)
        if not isinstance(response, HttpResponseBase):
            raise TypeError(f"a view returned a {type(response).__qualname__}, not a response")
        if response.streaming and not getattr(response, "is_async", False):
            raise TypeError("a stream on the API plane needs an async iterator")
        return response
