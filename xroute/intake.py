"""What the browser plane takes in: so many requests at once, bodies up to a limit, counted as they come.

Django would spool any body to disk, and give each request a thread and a database connection of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
SKIP_FACTOR, SKIP_S = 4, 2.0


class Refused(Exception):
    """Not taken in, with a status and the reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """Lets `at_once` through; of the others `waiting_max` wait, each at most `wait_s`."""

    def __init__(self, *, at_once: int, waiting_max: int, wait_s: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._waiting, self._waiting_max, self._wait_s = 0, waiting_max, wait_s

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Raises Refused where there is none."""
        await self._take()
        try:
            yield
        finally:
            self._places.release()

    async def _take(self) -> None:
        if self._waiting >= self._waiting_max:
            raise Refused(503, "Too many pages are asked for at once. Try again in a moment.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Refused(503, "Pages are slow at the moment. Try again soon.") from None
        finally:
            self._waiting -= 1


class Intake:
    """An ASGI application behind a gate, and a limit of `bytes_max` and `body_s` for each request's body."""

    def __init__(self, app: App, *, bytes_max: int, body_s: float, gate: Gate) -> None:
        self._app, self._bytes_max, self._body_s, self._gate = app, bytes_max, body_s, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._declared(scope) > self._bytes_max:
            await self._too_large(receive, send)
            return
        try:
            async with self._gate.place():
                await self._app(scope, self._counted(receive), send)
        except Refused as error:
            if error.status == 413:
                await self._too_large(receive, send)
            else:
                await refuse(send, error.status, str(error))

    def _counted(self, receive: Receive) -> Receive:
        """`receive`, for the body only so long and so much."""
        taken, done, until = 0, False, asyncio.get_running_loop().time() + self._body_s

        async def counted() -> Mapping[str, Any]:
            nonlocal taken, done
            if done:
                return await receive()  # that waits for the client to leave, for as long as the answer takes
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise Refused(408, "The request took too long to arrive.") from None
            taken += len(message.get("body", b""))
            done = not message.get("more_body", False)
            if taken > self._bytes_max:
                raise Refused(413, "")
            return message

        return counted

    async def _too_large(self, receive: Receive, send: Send) -> None:
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
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
