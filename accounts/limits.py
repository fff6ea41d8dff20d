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


class Windows:
    """The counts of one worker, for keys that have a limit."""

    def __init__(self) -> None:
        self.counts: dict[int, Count] = {}

    @staticmethod
    def limited(caller: Caller) -> bool:
        return bool(caller.requests_per_minute or caller.tokens_per_minute or caller.parallel_requests)

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
        if not self.limited(caller):
            return {}
        now = time.time()
        count = self.count(caller.key_id, now)
        reset_s = WINDOW_S - now % WINDOW_S
        headers = _headers(caller, count, reset_s)
        running, parallel = count.running + count.others_running, caller.parallel_requests
        if parallel and running >= parallel:
            raise _refused(f"{running} requests of this key are running; its limit is {parallel}.", 1.0, headers)
        requests, per_minute = count.requests + count.others_requests, caller.requests_per_minute
        if per_minute and requests >= per_minute:
            raise _refused(f"This key's limit of {per_minute} requests a minute is used up.", reset_s, headers)
        tokens, tokens_max = count.tokens + count.others_tokens, caller.tokens_per_minute
        if tokens_max and tokens >= tokens_max:
            raise _refused(f"This key's limit of {tokens_max} tokens a minute is used up.", reset_s, headers)
        count.requests += 1
        count.running += 1
        return _headers(caller, count, reset_s)

    def leave(self, caller: Caller) -> None:
        """A request that entered has ended."""
        if self.limited(caller) and caller.key_id in self.counts:
            count = self.count(caller.key_id)
            count.running = max(0, count.running - 1)

    def note_tokens(self, caller: Caller, tokens: int) -> None:
        """Count the tokens of an ended request."""
        if caller.tokens_per_minute:
            self.count(caller.key_id).tokens += tokens


def _refused(message: str, wait_s: float, headers: dict[str, str]) -> ApiError:
    headers = headers | {"Retry-After": str(max(1, round(wait_s + 0.5)))}
    return ApiError(429, "rate_limit_error", "rate_limit_exceeded", f"{message} Try again later.", headers=headers)


def _headers(caller: Caller, count: Count, reset_s: float) -> dict[str, str]:
    found = {}
    for name, limit, used in (
        ("requests", caller.requests_per_minute, count.requests + count.others_requests),
        ("tokens", caller.tokens_per_minute, count.tokens + count.others_tokens),
    ):
        if limit:
            found[f"x-ratelimit-limit-{name}"] = str(limit)
            found[f"x-ratelimit-remaining-{name}"] = str(max(0, limit - used))
            found[f"x-ratelimit-reset-{name}"] = f"{reset_s:.3g}s"
    return found
