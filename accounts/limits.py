"""Requests, tokens and parallel requests per key. Decided in memory, never waiting for anything.

Counts are fixed windows of a minute. `accounts.limits_sync` shares them between workers through Redis; while Redis
is slow or away each worker goes on with what it knows, so a limit may be passed by what the others let through.
"""

import time
from dataclasses import dataclass

from accounts.callers import Caller
from xroute.lib.errors import ApiError

WINDOW_S = 60


@dataclass(slots=True)
class Count:
    """One key's minute. `others` is what the other workers counted, as last heard."""

    window: int
    requests: int = 0
    tokens: int = 0
    running: int = 0
    others_requests: int = 0
    others_tokens: int = 0
    others_running: int = 0


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may do in a minute and at once; 0 is no limit."""

    requests: int
    tokens: int
    parallel: int


class Windows:
    """The counts of one worker, for keys that have a limit: their own, else the installation's for every key."""

    def __init__(self, *, requests_per_minute: int = 0, tokens_per_minute: int = 0) -> None:
        self.counts: dict[int, Count] = {}
        self._requests, self._tokens = requests_per_minute, tokens_per_minute

    def limits(self, caller: Caller) -> KeyLimits:
        """Those in force for a key."""
        return KeyLimits(
            caller.requests_per_minute or self._requests,
            caller.tokens_per_minute or self._tokens,
            caller.parallel_requests or 0,
        )

    def limited(self, caller: Caller) -> bool:
        """Whether anything of this key is counted."""
        found = self.limits(caller)
        return bool(found.requests or found.tokens or found.parallel)

    def alone(self) -> None:
        """Nothing was heard of the others for a while: what they ran then has long ended."""
        for count in self.counts.values():
            count.others_running = 0

    def count(self, key_id: int, now: float | None = None) -> Count:
        """The key's count in the window of `now` (Unix seconds)."""
        window = int((time.time() if now is None else now) // WINDOW_S)
        count = self.counts.get(key_id)
        if count is None:
            count = self.counts[key_id] = Count(window)
        elif count.window != window:
            running, others = count.running, count.others_running
            count = self.counts[key_id] = Count(window, running=running, others_running=others)
        return count

    def forget(self) -> None:
        """Drop the keys of which nothing runs and whose minute is over."""
        window = int(time.time() // WINDOW_S)
        for key_id, count in list(self.counts.items()):
            if count.running == 0 and count.window != window:
                del self.counts[key_id]

    def enter(self, caller: Caller) -> dict[str, str]:
        """Count a request in; the x-ratelimit headers. Raises ApiError 429 where a limit is reached."""
        limits = self.limits(caller)
        if not (limits.requests or limits.tokens or limits.parallel):
            return {}
        now = time.time()
        count = self.count(caller.key_id, now)
        reset_s = WINDOW_S - now % WINDOW_S
        headers = _headers(limits, count, reset_s)
        running = count.running + count.others_running
        if limits.parallel and running >= limits.parallel:
            raise _refused(f"{running} requests of this key are running; its limit is {limits.parallel}.", 1.0, headers)
        if limits.requests and count.requests + count.others_requests >= limits.requests:
            raise _refused(f"This key's limit of {limits.requests} requests a minute is used up.", reset_s, headers)
        if limits.tokens and count.tokens + count.others_tokens >= limits.tokens:
            raise _refused(f"This key's limit of {limits.tokens} tokens a minute is used up.", reset_s, headers)
        count.requests += 1
        count.running += 1
        return _headers(limits, count, reset_s)

    def leave(self, caller: Caller) -> None:
        """A request that entered has ended."""
        if self.limited(caller) and caller.key_id in self.counts:
            count = self.count(caller.key_id)
            count.running = max(0, count.running - 1)

    def note_tokens(self, caller: Caller, tokens: int) -> None:
        """Count the tokens of an ended request."""
        if self.limits(caller).tokens:
            self.count(caller.key_id).tokens += tokens


def _refused(message: str, wait_s: float, headers: dict[str, str]) -> ApiError:
    headers = headers | {"Retry-After": str(max(1, round(wait_s + 0.5)))}
    return ApiError(429, "rate_limit_error", "rate_limit_exceeded", f"{message} Try again later.", headers=headers)


def _headers(limits: KeyLimits, count: Count, reset_s: float) -> dict[str, str]:
    found = {}
    for name, limit, used in (
        ("requests", limits.requests, count.requests + count.others_requests),
        ("tokens", limits.tokens, count.tokens + count.others_tokens),
    ):
        if limit:
            found[f"x-ratelimit-limit-{name}"] = str(limit)
            found[f"x-ratelimit-remaining-{name}"] = str(max(0, limit - used))
            found[f"x-ratelimit-reset-{name}"] = f"{reset_s:.3g}s"
    return found
