"""reserve: from a parsed request to a Generation that may call, or a precise refusal."""

from accounts.callers import Caller
from billing.pricing import affordable_completion_tokens
from billing.reservations.pots import Refused, Want
from routing.proxy.choosing import choose
from routing.proxy.generation import Generation
from routing.proxy.route import route_of
from routing.runtime import Runtime
from routing.types import ChatRequest, Endpoint
from xroute.lib.clock import period_start
from xroute.lib.errors import ApiError, unavailable
from xroute.lib.ids import new_id
from xroute.lib.money import usd_text
from xroute.lib.pg import Outage

SPARE_FACTOR, SPARE_MAX_NANOUSD = 32, 1_000_000_000


async def admit(runtime: Runtime, caller: Caller, chat: ChatRequest, request_id: str) -> Generation:
    """A Generation with a hold; raises ApiError 402, 403, 404, 429 or 503."""
    reason = runtime.ready
    if reason:
        raise unavailable(f"XRoute cannot take requests right now: {reason}.", retry_after_s=2)
    chosen = choose(runtime, caller, chat)
    generation = Generation(new_id(runtime.clock.now_ms()), request_id, caller, chat, chosen.endpoints)
    generation.route = route_of(chosen, chat, runtime.catalogue.figures)
    if caller.limit_nanousd is not None:
        generation.period = period_start(runtime.clock.today(), caller.limit_reset)
    await _reserve(runtime, generation)
    return generation


async def _reserve(runtime: Runtime, generation: Generation) -> None:
    endpoint = generation.endpoints[0]
    try:
        try:
            generation.hold = await runtime.treasurer.reserve(want(runtime, generation, endpoint))
        except Refused as refusal:
            _shrink(runtime, generation, endpoint, refusal)
            generation.hold = await runtime.treasurer.reserve(want(runtime, generation, endpoint))
    except Refused as refusal:
        raise _refusal(generation, endpoint, refusal) from refusal
    except Outage as error:
        raise unavailable("Credit cannot be reserved right now. Try again shortly.", retry_after_s=2) from error


def expected_tokens(runtime: Runtime, generation: Generation, endpoint: Endpoint) -> int:
    """A fair guess of the completion's size: what this key and model usually take."""
    most = generation.completion_max(endpoint)
    return runtime.expected.tokens(generation.caller.key_id, endpoint.model.slug, most)


def want(runtime: Runtime, generation: Generation, endpoint: Endpoint) -> Want:
    """What to reserve at `endpoint`: streams that show what they spend start small and extend; others take all.

    A model that reasons spends unseen, so its streams reserve like plain requests.
    """
    full = generation.bound(endpoint)
    floor = generation.bound(endpoint, expected_tokens(runtime, generation, endpoint))
    if generation.chat.stream and not endpoint.reasons:
        full = floor
    limited = generation.caller.limit_nanousd is not None
    return Want(
        account_id=generation.caller.account_id,
        full=full,
        floor=floor,
        spare=min(full * SPARE_FACTOR, SPARE_MAX_NANOUSD),
        key_id=generation.caller.key_id if limited else None,
        period=generation.period,
    )


def _affordable(generation: Generation, endpoint: Endpoint, refusal: Refused) -> int:
    available = refusal.available if refusal.key_left is None else min(refusal.available, refusal.key_left)
    tokens = affordable_completion_tokens(
        endpoint.prices,
        nanousd=max(0, available),
        prompt_tokens=min(generation.chat.prompt_tokens_max, endpoint.context_length),
        images=generation.chat.images,
    )
    return min(tokens // generation.chat.n, endpoint.max_output_tokens)


def _shrink(runtime: Runtime, generation: Generation, endpoint: Endpoint, refusal: Refused) -> None:
    """Ask for no more than can be paid - only where the caller set no limit; else the refusal stands."""
    if generation.chat.max_tokens is not None or refusal.reason == "held":
        raise refusal
    tokens = _affordable(generation, endpoint, refusal)
    expected = expected_tokens(runtime, generation, endpoint)
    short = refusal.reason != "key_limit" and tokens * generation.chat.n < expected
    if short and refusal.posted >= generation.bound(endpoint, expected):
        # Only others' holds are in the way: a short answer now would be worse than a whole one in a moment.
        raise Refused("held", available=refusal.available, posted=refusal.posted)
    if tokens < runtime.limits.shrink_tokens_min:
        raise refusal
    generation.max_tokens = tokens


def _refusal(generation: Generation, endpoint: Endpoint, refusal: Refused) -> ApiError:
    needed = usd_text(generation.bound(endpoint))
    if refusal.reason == "held":
        message = (
            "The credit for this request is held by other requests of this workspace that are still running. "
            "Try again when they end, or set a smaller max_tokens."
        )
        headers = {"Retry-After": "1"}
        return ApiError(429, "rate_limit_error", "credits_in_flight", message, headers=headers)
    tokens = _affordable(generation, endpoint, refusal)
    metadata = {"affordable_max_tokens": tokens}
    if refusal.reason == "key_limit":
        left = usd_text(max(0, refusal.key_left or 0))
        message = f"This request may cost up to {needed} USD, but this key's limit leaves {left} USD. Raise the limit."
        return ApiError(402, "insufficient_quota", "key_limit_reached", message, metadata=metadata)
    available = usd_text(max(0, refusal.available))
    message = (
        f"This request may cost up to {needed} USD, and {available} USD are available. Add credits on the Credits page"
        + (f", or set max_tokens to {tokens} or less." if tokens else ".")
    )
    return ApiError(402, "insufficient_quota", "insufficient_credits", message, metadata=metadata)
