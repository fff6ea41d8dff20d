"""What the browser plane takes in: bodies up to a limit, counted as they come. Django would spool any to disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
SKIP_FACTOR, SKIP_S = 4, 2.0


class TooLarge(Exception):
    """More came than is taken."""


class Intake:
    """An ASGI application behind a limit of `bytes_max` for each request's body."""

    def __init__(self, app: App, *, bytes_max: int) -> None:
        self._app, self._bytes_max = app, bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._declared(scope) > self._bytes_max:
            await self._refuse(receive, send)
            return
        taken = 0

        async def counted() -> Mapping[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._bytes_max:
                raise TooLarge
            return message

        try:
            await self._app(scope, counted, send)
        except TooLarge:
            await self._refuse(receive, send)

    async def _refuse(self, receive: Receive, send: Send) -> None:
        """Read on for a moment without keeping anything: whoever is cut off while sending loses the answer."""
        left = SKIP_FACTOR * self._bytes_max
        try:
            async with asyncio.timeout(SKIP_S):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            pass
        await refuse(send, 413, "The request is too large for this page.")

    @staticmethod
    def _declared(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0


async def refuse(send: Send, status: int, why: str) -> None:
    """A plain refusal, before anything of Django runs."""
    body = f"{why}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
