"""Webhooks: signed, retried until they are taken, and sent wrongly on demand."""

import asyncio
import logging
import random
import time
from dataclasses import dataclass

import httpx
import orjson
import stripe

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.store import Object, Store

logger = logging.getLogger("xroute.stripe")
RETRY_MIN_S, RETRY_MAX_S, TRIES_MAX = 0.5, 60.0, 30
TIMEOUT_S, REORDER_S = 10.0, 1.0


@dataclass(slots=True)
class Manner:
    """How events are sent. `duplicate` more times at once; `reorder` lets every other one wait for the next.

    `drop` and `drop_s`: never, or not for so long. `hold`: not before they are released, all at once.
    """

    duplicate: int = 0
    delay_s: float = 0.0
    reorder: bool = False
    drop: bool = False
    drop_s: float = 0.0
    hold: bool = False


class Deliverer:
    """Sends events to `url` (none where it is empty). What was not taken is sent again after a restart."""

    def __init__(self, store: Store, url: str, secret: str) -> None:
        self._store, self.url, self._secret = store, url, secret
        self.manner = Manner()
        self._manner_since = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._client: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Once there is an event loop."""
        self._client = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S)
        for event in reversed(self._store.newest("event", lambda found: found.get("_state") == "pending")):
            self.send(event)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client:
            await self._client.aclose()

    def emit(self, kind: str, about: Object) -> None:
        """Something happened: make the event, and send it as the manner is."""
        event = objects.event(kind, about)
        event["_state"] = "dropped" if self._dropping() or not self.url else "held" if self.manner.hold else "pending"
        self._store.put(event)
        if event["_state"] == "pending":
            self.send(event)

    def behave(self, manner: Manner) -> None:
        """From now on."""
        self.manner, self._manner_since = manner, time.monotonic()

    def _dropping(self) -> bool:
        return self.manner.drop or time.monotonic() < self._manner_since + self.manner.drop_s

    def release(self, *, shuffle: bool = False, copies: int = 1) -> int:
        """Send what was held, newest first or in any order, all at the same time; how many events."""
        held = self._store.newest("event", lambda found: found.get("_state") == "held")
        if shuffle:
            random.shuffle(held)
        for event in held:
            event["_state"] = "pending"
            self._store.put(event)
        for event in held * copies:
            self._spawn(event, 0)
        return len(held)

    def send(self, event: Object) -> None:
        """Send, however often it was sent before."""
        self._count += 1
        wait_s = self.manner.delay_s + (REORDER_S if self.manner.reorder and self._count % 2 else 0)
        for _ in range(1 + self.manner.duplicate):
            self._spawn(event, wait_s)

    def _spawn(self, event: Object, wait_s: float) -> None:
        task = asyncio.create_task(self._deliver(event, wait_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: Object, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        for number in range(TRIES_MAX):
            status = await self._post(event)
            event["_tries"] = event.get("_tries", 0) + 1
            if 200 <= status < 300:
                event["_state"], event["pending_webhooks"] = "delivered", 0
                self._store.put(event)
                return
            if number in (0, TRIES_MAX - 1):
                logger.warning("event %s (%s) was not taken: %s", event["id"], event["type"], status or "no answer")
            await asyncio.sleep(min(RETRY_MIN_S * 2**number, RETRY_MAX_S))
        event["_state"] = "failed"
        self._store.put(event)

    async def _post(self, event: Object) -> int:
        """The status; 0 for no answer."""
        body = orjson.dumps(objects.public(event)).decode()
        signature = stripe.WebhookSignature.generate_signature_header(body, self._secret)
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            assert self._client is not None
            return (await self._client.post(self.url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return 0
