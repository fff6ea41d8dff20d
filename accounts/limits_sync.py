"""Share the counts of limits between workers through Redis, beside the request path, never on it."""

import asyncio
import logging
from uuid import uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError

from accounts.limits import WINDOW_S, Count, Windows

logger = logging.getLogger("xroute.limits")


class LimitsSync:
    """Every `every_s`: publish this worker's counts, read the others'. One hash a key and minute."""

    def __init__(self, windows: Windows, url: str, *, every_s: float = 0.25, timeout_s: float = 1.0) -> None:
        self._windows, self._every_s, self._timeout_s = windows, every_s, timeout_s
        self._me = uuid4().hex[:16]
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

    async def share(self) -> None:
        """One exchange; raises RedisError, OSError or TimeoutError."""
        self._windows.forget()
        keys = sorted(self._windows.counts)[:5000]
        if not keys:
            return
        counts = [self._windows.count(key) for key in keys]
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, count in zip(keys, counts, strict=True):
                name = f"xr:limit:{key}:{count.window}"
                pipe.hset(name, self._me, f"{count.requests} {count.tokens} {count.running}")
                pipe.expire(name, 2 * WINDOW_S)
                pipe.hgetall(name)
            answers = await pipe.execute()
        for count, found in zip(counts, answers[2::3], strict=True):
            self._learn(count, found)

    def _learn(self, count: Count, found: dict[str, str]) -> None:
        others = [tuple(map(int, value.split())) for name, value in found.items() if name != self._me]
        count.others_requests = sum(row[0] for row in others)
        count.others_tokens = sum(row[1] for row in others)
        count.others_running = sum(row[2] for row in others)

    async def close(self) -> None:
        await self._redis.aclose()
