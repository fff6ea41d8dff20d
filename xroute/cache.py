"""The cache that stands when Redis does not: limits then count in this process alone, and nobody is locked out."""

import logging
import time
from collections.abc import Callable
from typing import Any

import redis.exceptions
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger("xroute.cache")
FAULTS = (redis.exceptions.RedisError, OSError)
TIMEOUT_S = 0.5
AWAY_S = 5.0


class StandingCache(RedisCache):
    """Redis, or this process's memory for AWAY_S seconds after Redis did not answer within TIMEOUT_S."""

    _away_until = 0.0  # of the process: Django makes an instance for every request

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
        }
        super().__init__(server, params | {"OPTIONS": options | params.get("OPTIONS", {})})
        # OPTIONS of the local cache are its size; Redis's do not concern it.
        self._local = LocMemCache("xroute-standing", {**params, "OPTIONS": {"MAX_ENTRIES": 10_000}})

    def _either(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return getattr(super(), name)(*args, **kwargs)
            except FAULTS as error:
                StandingCache._away_until = time.monotonic() + AWAY_S
                logger.warning("Redis does not answer (%s); limits count in this process alone.", type(error).__name__)
        local: Callable[..., Any] = getattr(self._local, name)
        return local(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("touch", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete", *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("get_many", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("set_many", *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete_many", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("has_key", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._either("incr", *args, **kwargs)

    def clear(self) -> Any:
        self._local.clear()
        return self._either("clear")
