"""DRF's APIView, awaitable: who calls, may they, is it too often, then the body, then the handler."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated, Throttled
from rest_framework.views import APIView

from xroute.api import errors
from xroute.api.body import ClientGone
from xroute.api.request import LeanRequest


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`data` as JSON; what is bytes already is taken for JSON and passed on."""
    content = data if isinstance(data, bytes) else orjson.dumps(data)
    response = HttpResponse(content, status=status, content_type="application/json")
    for name, value in (headers or {}).items():
        response[name] = value
    return response


class AsyncAPIView(APIView):
    """The base of all views of the API plane. No negotiation, parser, renderer or ORM; handlers are async
    and return a Django HttpResponse or StreamingHttpResponse.

    `authentication_classes` have `async def authenticate(request) -> (user, auth) | None`, and someone must be
    recognised; a view for everybody says `public = True`. Permissions and throttles may be async. A body is one of
    `media_types`, or says nothing of its type.
    """

    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = ()
    throttle_classes: Sequence[Any] = ()
    public = False
    media_types: Sequence[str] = ("application/json",)
    request: LeanRequest  # type: ignore[assignment]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        known = initkwargs.get("authentication_classes", cls.authentication_classes)
        if not known and not initkwargs.get("public", cls.public):
            raise ImproperlyConfigured(f"{cls.__qualname__} needs authentication_classes, or public = True.")
        view = super().as_view(**initkwargs)
        view.loads_body = True  # type: ignore[attr-defined]  # see LeanHandler
        return view

    async def dispatch(self, request: LeanRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """Run the request through every gate to its handler; any exception becomes an answer."""
        try:
            handler = self._handler(request)
            if request.method != "OPTIONS":
                await self._admit(request)
            response = await handler(request, *args, **kwargs)
            if not isinstance(response, HttpResponseBase):
                raise TypeError(f"a handler returned a {type(response).__qualname__}, not a response")
            return response
        except ClientGone:
            raise
        except Exception as error:
            return errors.response(error, request)

    def _handler(self, request: LeanRequest) -> Callable[..., Any]:
        method = (request.method or "").lower()
        handler = getattr(self, method, None) if method in self.http_method_names else None
        if handler is None:
            raise errors.method_not_allowed(request.method or "", self.allowed_methods)
        return handler  # type: ignore[no-any-return]

    async def _admit(self, request: LeanRequest) -> None:
        await self._authenticate(request)
        permissions: list[Any] = list(self.get_permissions())
        throttles: list[Any] = self.get_throttles()
        for permission in permissions:
            if not await _settled(permission.has_permission(request, self)):
                self.permission_denied(request, getattr(permission, "message", None), getattr(permission, "code", None))
        for throttle in throttles:
            if not await _settled(throttle.allow_request(request, self)):
                raise Throttled(await _settled(throttle.wait()))
        if request.incoming.unread and request.content_type and request.content_type.lower() not in self.media_types:
            raise errors.unsupported_media_type(request.content_type, self.media_types)
        await request.load_body()

    async def _authenticate(self, request: LeanRequest) -> None:
        """The first authenticator that recognises the caller decides; none doing so is 401."""
        authenticators: list[Any] = self.get_authenticators()
        for authenticator in authenticators:
            found = await authenticator.authenticate(request)
            if found is not None:
                request.caller, request.auth = found
                request.user = request.caller
                request.successful_authenticator = authenticator
                return
        if not self.public:
            raise NotAuthenticated

    def permission_denied(self, request: Any, message: str | None = None, code: str | None = None) -> Any:
        """403, or 401 where a public view wants to know who calls."""
        request.authenticators = self.get_authenticators()
        super().permission_denied(request, message, code)

    async def options(self, *_args: Any, **_kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Which methods there are; no one needs to be known for that."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


async def _settled(found: Any) -> Any:
    """What an awaitable comes to, or the plain value: an un-awaited coroutine would count as a yes."""
    return await found if inspect.isawaitable(found) else found
