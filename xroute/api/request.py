"""The request that views of the API plane get."""

import asyncio
import re
from typing import Any

from django.core.handlers.asgi import ASGIRequest

from xroute.api import meta
from xroute.api.body import Bodies, Incoming, Receive
from xroute.api.limits import Limits
from xroute.api.watch import Watch
from xroute.lib.ids import new_id

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LeanRequest(ASGIRequest):
    """Django's request with its body in memory, an id, and an event for a client that went away.

    `user`, `caller` and `auth` are set by AsyncAPIView once authentication has succeeded.
    """

    request_id: str
    caller: Any
    auth: Any
    successful_authenticator: Any = None

    def __init__(self, scope: dict[str, Any], receive: Receive, bodies: Bodies, limits: Limits) -> None:
        self._set_scope(scope)
        given = self.META.get("HTTP_X_REQUEST_ID", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{new_id().hex}"
        self.incoming = Incoming(self.META, receive, bodies, limits)
        self.watch = Watch(receive)
        if not self.incoming.unread:
            self._body = b""

    def _set_scope(self, scope: dict[str, Any]) -> None:
        """What ASGIRequest.__init__ does, which takes 30 µs (tests/api/test_request.py compares the two)."""
        self.scope = scope
        self.resolver_match = None
        self._post_parse_error = self._read_started = False
        # No stream at all: a body that is used before load_body() must fail loudly, not look empty.
        self._stream = None  # type: ignore[assignment]
        self.path = scope["path"]
        self.script_name = scope.get("root_path", "")
        self.path_info = self.path.removeprefix(self.script_name)
        self.META = meta.of_scope(scope, path=self.path_info, script_name=self.script_name)
        self.method = self.META["REQUEST_METHOD"]
        kind = self.META.get("CONTENT_TYPE", "")
        if "charset" in kind:
            self._set_content_type_params(self.META)  # type: ignore[attr-defined]
        else:
            self.content_type, parameters = meta.content_type(kind)
            self.content_params = dict(parameters)

    @property
    def disconnected(self) -> asyncio.Event:
        """Set when the client went away: for a stream at once, else once 50 ms have passed."""
        return self.watch.event

    async def load_body(self) -> None:
        """Read the body, so that `request.body` works, and begin to look out for a disconnect."""
        if self.incoming.unread:
            self._body = await self.incoming.read()
        self.watch.begin_later()

    def finish(self) -> None:
        """Free what the request held; nothing of it may run on."""
        self.watch.end()
        self.incoming.release()
