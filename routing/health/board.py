"""Breakers, cooling credentials and the budget of retries, together."""

import time
from collections.abc import Callable

from routing.errors import UpstreamError
from routing.health.breaker import Breaker
from routing.health.limits import Limits
from routing.health.window import Window
from routing.types import Credential, Endpoint

COOLING_MAX = 10_000


class Health:
    """What one process knows. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._breakers: dict[int, Breaker] = {}
        self._cooling: dict[str, float] = {}
        self._refused: set[str] = set()
        self._turns: dict[int, int] = {}
        self._requests = Window(self._limits.retry_window_s)
        self._retries = Window(self._limits.retry_window_s)

    def available(self, endpoint: Endpoint) -> bool:
        """In service (or due for a probe), with a credential that is not cooling, or with none at all to use."""
        return not self.ejected(endpoint.id) and self._credentials_left(endpoint)

    def ejected(self, endpoint_id: int) -> bool:
        """Whether its breaker lets nothing through now."""
        breaker = self._breakers.get(endpoint_id)
        return breaker is not None and not breaker.available(self._clock())

    def back_in_s(self, endpoint: Endpoint) -> float:
        """Seconds until it may be available again, for a Retry-After; 0 where it is."""
        now = self._clock()
        breaker = self._breakers.get(endpoint.id)
        waits = [0.0] if breaker is None or breaker.out_until is None else [breaker.out_until - now]
        if endpoint.credentials:
            waits.append(min(self._cool_until(endpoint, credential, now) - now for credential in endpoint.credentials))
        return max(0.0, *waits)

    def failed_within(self, endpoint_id: int, seconds: float) -> bool:
        """Whether it failed in the last `seconds`, of its own fault."""
        breaker = self._breakers.get(endpoint_id)
        return breaker is not None and breaker.failed_at is not None and self._clock() - breaker.failed_at < seconds

    def recently_failed(self, endpoint_id: int) -> bool:
        """Whether it failed within the time in which it is put last."""
        return self.failed_within(endpoint_id, self._limits.outage_s)

    def acquire(self, endpoint: Endpoint) -> bool:
        """Whether it may be called now. Each True is answered by one of success, failure, abandoned."""
        breaker = self._breakers.get(endpoint.id)
        return breaker is None or breaker.acquire(self._clock())

    def success(self, endpoint_id: int) -> None:
        """It answered."""
        self._breaker(endpoint_id).success(self._clock())

    def failure(self, endpoint_id: int, error: UpstreamError) -> None:
        """It failed. The caller's or our own fault tells nothing of it: else bad requests could keep it in service."""
        if error.counts_against_endpoint:
            self._breaker(endpoint_id).failure(self._clock())
        else:
            self.abandoned(endpoint_id)

    def abandoned(self, endpoint_id: int) -> None:
        """The call ended without telling anything of it, as when the client left."""
        if breaker := self._breakers.get(endpoint_id):
            breaker.abandoned()

    def credential(self, endpoint: Endpoint) -> Credential | None:
        """The next of its credentials that is not cooling; None where there is none."""
        credentials = endpoint.credentials
        turn = self._turns.get(endpoint.id, 0)
        for step in range(len(credentials)):
            chosen = credentials[(turn + step) % len(credentials)]
            if not self._is_cooling(endpoint, chosen):
                self._turns[endpoint.id] = turn + step + 1
                return chosen
        return None

    def refused(self, endpoint: Endpoint) -> bool:
        """Whether what cools is a credential that the provider refused, not one that it limits."""
        names = (name for c in endpoint.credentials for name in (c.id, f"{c.id}@{endpoint.id}"))
        return not self._refused.isdisjoint(names)

    def cool(
        self,
        credential_id: str,
        seconds: float | None = None,
        *,
        endpoint_id: int | None = None,
        refused: bool = False,
    ) -> None:
        """Leave a credential alone, as after a 429: so long as it said, or the default; at most the limit.

        With `endpoint_id` for that endpoint only: most providers limit by model, and refuse access by model.
        """
        asked_s = self._limits.cooldown_s if seconds is None else seconds
        until = self._clock() + min(max(0.0, asked_s), self._limits.cooldown_max_s)
        if len(self._cooling) >= COOLING_MAX:
            self._cooling = {name: end for name, end in self._cooling.items() if end > self._clock()}
            self._refused.intersection_update(self._cooling)
        name = credential_id if endpoint_id is None else f"{credential_id}@{endpoint_id}"
        self._cooling[name] = max(until, self._cooling.get(name, 0.0))
        (self._refused.add if refused else self._refused.discard)(name)

    def note_request(self) -> None:
        """Count one request of a caller."""
        self._requests.add(self._clock())

    def may_retry(self) -> bool:
        """Take one retry out of the budget; False where that is spent and an outage would be multiplied."""
        now = self._clock()
        allowed = max(self._limits.retries_min, int(self._limits.retry_share * self._requests.count(now)))
        if self._retries.count(now) >= allowed:
            return False
        self._retries.add(now)
        return True

    def _breaker(self, endpoint_id: int) -> Breaker:
        breaker = self._breakers.get(endpoint_id)
        if breaker is None:
            breaker = self._breakers[endpoint_id] = Breaker(self._limits)
        return breaker

    def _credentials_left(self, endpoint: Endpoint) -> bool:
        if not endpoint.credentials:
            return True
        return any(not self._is_cooling(endpoint, credential) for credential in endpoint.credentials)

    def _is_cooling(self, endpoint: Endpoint, credential: Credential) -> bool:
        if not self._cooling:
            return False
        now = self._clock()
        return self._cool_until(endpoint, credential, now) > now

    def _cool_until(self, endpoint: Endpoint, credential: Credential, now: float) -> float:
        whole = self._cooling.get(credential.id, now)
        return max(whole, self._cooling.get(f"{credential.id}@{endpoint.id}", now))
