"""call: try endpoints in order until one answers; silent failover before the first byte, never after it."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from billing.pricing import Usage, cost_nanousd
from billing.reservations.pots import Refused
from routing.errors import UpstreamError
from routing.proxy.generation import Generation
from routing.runtime import Runtime
from routing.types import Credential, Endpoint
from xroute.lib.pg import Outage

logger = logging.getLogger("xroute.proxy")
T = TypeVar("T")
Call = Callable[[Endpoint, Credential], Awaitable[T]]


async def first_success(runtime: Runtime, generation: Generation, call: Call[T]) -> tuple[Endpoint, T]:
    """The first endpoint that answers, and its answer; raises the last UpstreamError."""
    runtime.health.note_request()
    last: UpstreamError | None = None
    tried = 0
    attempts_max = max(runtime.limits.attempts_max, 1 + len(generation.chat.fallbacks))
    for endpoint in generation.endpoints:
        if tried >= attempts_max:
            break
        credential = await _usable(runtime, generation, endpoint)
        if credential is None:
            continue
        if tried and not runtime.health.may_retry():
            runtime.health.abandoned(endpoint.id)
            break
        tried += 1
        try:
            return endpoint, await _attempt(runtime, generation, endpoint, credential, call)
        except UpstreamError as error:
            last = error
            if not error.retryable or generation.gone:
                break
    raise last or _out_of_service(runtime, generation)


def _out_of_service(runtime: Runtime, generation: Generation) -> UpstreamError:
    """Nothing could be tried: when the first of the endpoints may be back."""
    wait_s = min(runtime.health.back_in_s(endpoint) for endpoint in generation.endpoints)
    if any(attempt["detail"] == "cooling" for attempt in generation.attempts):
        return UpstreamError("rate_limited", "", retry_after_s=wait_s)
    if any(attempt["detail"] == "refused" for attempt in generation.attempts):
        return UpstreamError("credential", "")
    return UpstreamError("overloaded", "Every endpoint of this model is out of service.", retry_after_s=wait_s)


async def _usable(runtime: Runtime, generation: Generation, endpoint: Endpoint) -> Credential | None:
    """A credential for `endpoint` if it may be called: in health, and covered by the hold."""
    credential = runtime.health.credential(endpoint)
    if credential is None:
        _note(generation, endpoint, "skipped", "refused" if runtime.health.refused(endpoint) else "cooling", 0)
        return None
    if not await _covered(runtime, generation, endpoint):
        _note(generation, endpoint, "skipped", "not_affordable", 0)
        return None
    if not runtime.health.acquire(endpoint):
        _note(generation, endpoint, "skipped", "ejected", 0)
        return None
    return credential


async def _covered(runtime: Runtime, generation: Generation, endpoint: Endpoint) -> bool:
    """Failover to a dearer endpoint extends the hold first, or skips it."""
    if generation.hold is None or endpoint is generation.endpoints[0]:
        return True
    missing = _needed(generation, endpoint) - generation.covered
    if missing <= 0:
        return True
    try:
        await runtime.treasurer.extend(generation.hold, missing)
    except (Refused, Outage):
        return False
    return True


def _needed(generation: Generation, endpoint: Endpoint) -> int:
    """What the hold must cover at `endpoint`: as many completion tokens as it covers at the first one."""
    first = generation.endpoints[0]
    if not first.prices.dearest_output:
        return generation.bound(endpoint)
    paid = max(0, generation.covered - generation.bound(first, 0))
    return generation.bound(endpoint, paid * 1_000_000 // first.prices.dearest_output)


async def _attempt(
    runtime: Runtime, generation: Generation, endpoint: Endpoint, credential: Credential, call: Call[T]
) -> T:
    started = time.monotonic()
    generation.tried = endpoint
    try:
        result = await call(endpoint, credential)
    except UpstreamError as error:
        ms = int((time.monotonic() - started) * 1000)
        _note(generation, endpoint, error.kind, str(error.status or ""), ms)
        _failed(runtime, generation, endpoint, credential, error)
        raise
    except BaseException:
        runtime.health.abandoned(endpoint.id)
        raise
    _note(generation, endpoint, "answered", "", int((time.monotonic() - started) * 1000))
    return result


def _failed(
    runtime: Runtime, generation: Generation, endpoint: Endpoint, credential: Credential, error: UpstreamError
) -> None:
    if generation.gone:
        runtime.health.abandoned(endpoint.id)
        return
    runtime.health.failure(endpoint.id, error)
    if error.kind == "rate_limited":
        wait_s = min(error.retry_after_s or 5.0, runtime.limits.cooldown_max_s)
        runtime.health.cool(credential.id, wait_s, endpoint_id=endpoint.id)
    elif error.kind == "credential":
        logger.error("ALERT %s refused our credential %s (status %s)", endpoint.serves_as, credential.id, error.status)
        runtime.health.cool(credential.id, runtime.limits.cooldown_max_s, endpoint_id=endpoint.id, refused=True)
    if error.may_be_billed:
        usage = Usage(prompt=generation.chat.prompt_tokens_expected, images=generation.chat.images)
        generation.house += cost_nanousd(endpoint.house_prices, usage)


def _note(generation: Generation, endpoint: Endpoint, outcome: str, detail: str, ms: int) -> None:
    attempt = {"endpoint": endpoint.id, "provider": endpoint.serves_as, "outcome": outcome, "detail": detail, "ms": ms}
    if endpoint.byok:
        attempt["byok"] = True
    generation.attempts.append(attempt)
