"""The ASGI application: paths, faults before the first byte, the book, and watching for clients that leave."""

import asyncio
import gzip
import itertools
import secrets
import time
from typing import Any

import orjson

from xroute.embedded.provider import shapes
from xroute.embedded.provider.book import Book
from xroute.embedded.provider.plan import Plan, plan
from xroute.embedded.provider.stream import Cut, Streamed

JSON = [(b"content-type", b"application/json")]
PREFIXES = {"/v1": "a", "/b/v1": "b", "/c/v1": "c"}
MESSAGES = {429: "Rate limit reached (sandbox).", 401: "Incorrect API key provided (sandbox)."}


class Sandbox:
    """Three providers in one process. `switches` makes a whole prefix fail with 500."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.switches: set[str] = set()
        self._counter = itertools.count()
        self._mark = secrets.token_hex(4)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        prefix, _, leaf = path.rpartition("/chat/completions")
        if method == "POST" and prefix in PREFIXES and not leaf:
            await self._completions(scope, receive, send, PREFIXES[prefix])
        else:
            await self._other(scope, send, method, path)

    async def _other(self, scope: Any, send: Any, method: str, path: str) -> None:
        if path == "/healthz":
            await plain(send, 200, orjson.dumps({"open": self._book.open, "served": self._book.served}))
        elif path == "/book":
            after = int(
                dict(p.split("=") for p in scope["query_string"].decode().split("&") if "=" in p).get("after", 0)
            )
            await plain(send, 200, orjson.dumps([row for row in self._book.rows if row["n"] > after]))
        elif method == "POST" and path.startswith("/switch/"):
            _, _, name, state = path.split("/")
            (self.switches.add if state == "on" else self.switches.discard)(name)
            await plain(send, 200, b"{}")
        elif path.endswith("/models"):
            data = [{"id": "sandbox", "object": "model", "created": 0, "owned_by": "sandbox"}]
            await plain(send, 200, orjson.dumps({"object": "list", "data": data}))
        else:
            await plain(send, 404, shapes.error("Not found", code="unknown_url"))

    async def _completions(self, scope: Any, receive: Any, send: Any, prefix: str) -> None:
        headers = dict(scope["headers"])
        raw = await read(receive)
        self._book.open += 1
        try:
            refusal = self._refusal(headers, raw, prefix)
            if refusal is not None:
                await plain(send, *refusal)
                return
            made = plan(orjson.loads(raw))
            await self._answer(made, prefix, headers, receive, send)
        finally:
            self._book.open -= 1

    def _refusal(self, headers: dict[bytes, bytes], raw: bytes, prefix: str) -> tuple[int, bytes] | None:
        if (
            not headers.get(b"authorization", b"").startswith(b"Bearer ")
            or b"bad-credential" in headers[b"authorization"]
        ):
            return 401, shapes.error(MESSAGES[401], code="invalid_api_key")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return 400, shapes.error("We could not parse the JSON body of your request.")
        for name, kind in (("model", str), ("messages", list)):
            if not isinstance(body, dict) or not body.get(name) or not isinstance(body[name], kind):
                return 400, shapes.error(f"Missing required parameter: '{name}'.", param=name)
        if str(body["model"]).rpartition("/")[2].startswith("no-such"):
            return 404, shapes.error("The model does not exist.", code="model_not_found", param="model")
        if prefix in self.switches:
            return 500, shapes.error("Switched off.", kind="server_error")
        return None

    async def _answer(self, made: Plan, prefix: str, headers: Any, receive: Any, send: Any) -> None:
        answer_id = f"chatcmpl-{self._mark}-{next(self._counter)}"
        request_id = headers.get(b"x-request-id", b"").decode() or None
        row = {"id": answer_id, "prefix": prefix, "model": made.model, "stream": made.stream, "request_id": request_id}
        row |= {"started": time.time(), "prompt_tokens": made.prompt_tokens, "cached_tokens": 0, "reasoning_tokens": 0}
        if await self._failed(made, send):
            return
        if made.first_s:
            await asyncio.sleep(made.first_s)
        if made.stream:
            await self._stream(made, answer_id, row, receive, send)
        else:
            await self._plain(made, answer_id, row, receive, send)

    async def _failed(self, made: Plan, send: Any) -> bool:
        """Whether the answer was a fault before its first byte."""
        fault, number = made.fault, made.number
        if fault == "flaky":
            fault, number = ("status", 500) if next(self._counter) % 100 < number else ("", 0)
        if fault == "silence" and not number:
            await asyncio.sleep(3600)
        if fault == "status":
            extra = [(b"retry-after", b"1")] if number == 429 else []
            message = MESSAGES.get(number, f"The sandbox answers {number} on demand.")
            kind = "invalid_request_error" if number < 429 else "server_error"
            await plain(send, number, shapes.error(message, kind=kind), extra)
        elif fault == "html":
            await plain(send, number, b"<html><body>Bad gateway</body></html>", [(b"content-type", b"text/html")])
        elif fault == "redirect":
            await plain(send, 307, b"", [(b"location", b"http://127.0.0.1:1/")])
        elif fault == "gzip":
            await plain(send, 200, gzip.compress(bytes(50 * 2**20), 1), [(b"content-encoding", b"gzip")])
        elif fault == "error-200" and not made.stream:
            await plain(send, 200, shapes.error("The sandbox fails on demand.", kind="server_error"))
        elif fault == "garbage" and not made.stream:
            await plain(send, 200, b"{this is not json")
        else:
            return False
        return True

    async def _plain(self, made: Plan, answer_id: str, row: dict[str, Any], receive: Any, send: Any) -> None:
        pause_s = made.number / 1000 if made.fault == "slow" else made.delay_s
        if pause_s and not await stayed(receive, pause_s):
            self._book.write({**row, "completion_tokens": 0, "outcome": "aborted"})
            return
        body = shapes.completion(made, answer_id)
        if made.fault == "empty":
            body["choices"], body["usage"] = [], made.usage | {"completion_tokens": 0}
        if made.fault == "usage-missing":
            del body["usage"]
        if made.fault == "usage-absurd":
            body["usage"] = shapes.ABSURD
        outcome = "fault" if made.fault == "cut" else "complete"
        self._book.write({**row, "completion_tokens": made.completion_tokens * made.n, "outcome": outcome})
        data = orjson.dumps(body)
        if made.fault == "cut":
            await send({"type": "http.response.start", "status": 200, "headers": [*JSON, (b"content-length", b"9999")]})
            await send({"type": "http.response.body", "body": data[:50], "more_body": True})
            raise Cut
        await plain(send, 200, data)

    async def _stream(self, made: Plan, answer_id: str, row: dict[str, Any], receive: Any, send: Any) -> None:
        streamed = Streamed(made, answer_id)
        left = asyncio.create_task(gone(receive))
        relay = asyncio.create_task(self._relay(streamed, row, send, made))
        try:
            await asyncio.wait({left, relay}, return_when=asyncio.FIRST_COMPLETED)
            if not relay.done():
                relay.cancel()
                if not streamed.finishing:
                    self._book.write({**row, "completion_tokens": streamed.tokens, "outcome": "aborted"})
            elif relay.exception() is not None:
                self._book.write({**row, "completion_tokens": streamed.tokens, "outcome": "fault"})
                raise Cut
        finally:
            left.cancel()

    async def _relay(self, streamed: Streamed, row: dict[str, Any], send: Any, made: Plan) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        booked = False
        async for data in streamed.events():
            if streamed.finishing and not booked:
                self._book.write({**row, "completion_tokens": streamed.tokens, "outcome": "complete"})
                booked = True
            for part in split(data) if made.ragged else (data,):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        if not booked and streamed.tokens:
            self._book.write({**row, "completion_tokens": streamed.tokens, "outcome": "fault"})
        await send({"type": "http.response.body", "body": b""})


def split(data: bytes) -> list[bytes]:
    """In three, at places where a careless reader stumbles."""
    first, second = len(data) // 3, max(len(data) // 3 + 1, len(data) - 1)
    return [data[:first], data[first:second], data[second:]]


async def read(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def stayed(receive: Any, pause_s: float) -> bool:
    """Wait; False as soon as the client leaves."""
    try:
        async with asyncio.timeout(pause_s):
            await gone(receive)
        return False
    except TimeoutError:
        return True


async def plain(send: Any, status: int, body: bytes, extra: Any = ()) -> None:
    names = {name for name, _ in extra}
    headers = [*(h for h in JSON if h[0] not in names), *extra, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
