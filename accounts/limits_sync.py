"""Share the counts of limits between workers through Redis, beside the request path, never on it."""

import asyncio
import logging
import time
from uuid import uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError

from accounts.limits import WINDOW_S, Count, Windows

logger = logging.getLogger("xroute.limits")
# A worker that counts up no more for so long was killed: what it ran has ended with it. What it counted stays.
SILENT_S = 5.0


class LimitsSync:
    """Every `every_s`: publish this worker's counts, read the others'. One hash a key and minute.

    A field is `requests tokens running beat`; a beat that stands still is one of a worker that is no more.
    """

    def __init__(self, windows: Windows, url: str, *, every_s: float = 0.25, timeout_s: float = 1.0) -> None:
        self._windows, self._every_s, self._timeout_s = windows, every_s, timeout_s
        self._me = uuid4().hex[:16]
        self._beat = 0
        self._heard: dict[tuple[int, str], tuple[str, float]] = {}  # key and worker → its beat, and since when
        self._shared_at = time.monotonic()
        self._redis = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, decode_responses=True
        )

    async def run(self) -> None:
        """Share for ever; a slow or absent Redis changes nothing but how fresh the others' counts are."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                async with asyncio.timeout(self._timeout_s * 2):
                    await self.share()
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("limits are not shared: %s", type(error).__name__)
                if time.monotonic() - self._shared_at > SILENT_S:
                    self._windows.alone()

    async def share(self) -> None:
        """One exchange; raises RedisError, OSError or TimeoutError."""
        self._windows.forget()
        self._beat += 1
        keys = sorted(self._windows.counts)[:5000]
        self._heard = {name: seen for name, seen in self._heard.items() if name[0] in self._windows.counts}
        if not keys:
            self._shared_at = time.monotonic()
            return
        counts = [self._windows.count(key) for key in keys]
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, count in zip(keys, counts, strict=True):
                name = f"xr:limit:{key}:{count.window}"
                pipe.hset(name, self._me, f"{count.requests} {count.tokens} {count.running} {self._beat}")
                pipe.expire(name, 2 * WINDOW_S)
                pipe.hgetall(name)
            answers = await pipe.execute()
        self._shared_at = time.monotonic()
        for key, count, found in zip(keys, counts, answers[2::3], strict=True):
            self._learn(key, count, found)

    def _learn(self, key: int, count: Count, found: dict[str, str]) -> None:
        others = {name: value.split() for name, value in found.items() if name != self._me}
        count.others_requests = sum(int(parts[0]) for parts in others.values())
        count.others_tokens = sum(int(parts[1]) for parts in others.values())
        count.others_running = sum(int(parts[2]) for name, parts in others.items() if self._lives(key, name, parts))

    def _lives(self, key: int, worker: str, parts: list[str]) -> bool:
        """Whether this worker has counted up lately, by our own clock: nobody's else need be right."""
        beat, now = parts[-1], time.monotonic()
        seen = self._heard.get((key, worker))
        if seen is None or seen[0] != beat:
            seen = self._heard[key, worker] = (beat, now)
        return now - seen[1] <= SILENT_S

    async def close(self) -> None:
        await self._redis.aclose()
