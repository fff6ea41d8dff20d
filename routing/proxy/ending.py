"""What is charged, by how a generation ended. Pure; the rule is the table in docs/decisions/0004.

Reported usage is trusted only where it could be true: within the context and the output the endpoint allows.
"""

from dataclasses import dataclass
from typing import Literal

from billing.pricing import Usage, cost_nanousd
from billing.record import Basis
from routing.estimate import completion_tokens
from routing.proxy.generation import Generation
from routing.types import Endpoint

ABOVE_MAX = "usage_above_max"
ABOVE_MAX_FACTOR, ABOVE_MAX_TOKENS_MIN = 4, 1000
How = Literal["complete", "upstream", "client", "credit"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, what upstream reported, and how much of the completion was relayed."""

    how: How
    usage: Usage | None
    output_bytes: int
    finish_reason: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """`cost` is charged; `house` is borne by the house. nano-USD."""

    basis: Basis
    reason: str
    usage: Usage
    cost: int = 0
    house: int = 0


def plausible(ending: Ending, generation: Generation, endpoint: Endpoint) -> bool:
    """Whether a report could be true: a tokenizer yields at most one token a byte, an endpoint at most its output.

    Nor does a prompt take no token, or an answer that says something.
    """
    usage = ending.usage
    if usage is None or not usage.prompt or (ending.output_bytes and not usage.completion):
        return False
    prompt_max = max(endpoint.context_length, generation.chat.prompt_tokens_max)
    completion_max = generation.chat.n * max(endpoint.max_output_tokens, endpoint.context_length)
    return 0 <= usage.prompt <= prompt_max and 0 <= usage.completion <= completion_max


def charge(ending: Ending, generation: Generation, endpoint: Endpoint) -> Charge:
    """The charge for an ending."""
    reported = ending.usage if plausible(ending, generation, endpoint) else None
    if _owes_nothing(ending, reported):
        usage = reported or _estimate(ending, generation)
        borne = cost_nanousd(endpoint.house_prices, usage)
        return Charge("not_charged", ending.reason or "empty", reported or Usage(), house=borne)
    if reported is not None and ending.how != "credit":
        reason = ending.reason or (ABOVE_MAX if _far_above_max(reported, generation) else "")
        return Charge("reported", reason, reported, cost_nanousd(endpoint.prices, reported))
    usage = _estimate(ending, generation)
    reason = ending.reason or ("usage_missing" if ending.usage is None else "usage_absurd")
    cost = min(cost_nanousd(endpoint.prices, usage), generation.covered)
    return Charge("estimated", reason, usage, cost)


def _far_above_max(reported: Usage, generation: Generation) -> bool:
    """Whether so many completion tokens were reported that the maximum sent upstream cannot have been obeyed."""
    asked = generation.max_tokens if generation.max_tokens is not None else generation.chat.max_tokens
    if asked is None:
        return False
    return reported.completion > max(ABOVE_MAX_FACTOR * asked * generation.chat.n, ABOVE_MAX_TOKENS_MIN)


def _owes_nothing(ending: Ending, reported: Usage | None) -> bool:
    """No charge for nothing: the upstream ended it without output and finish reason, or with an error."""
    if ending.how in ("client", "credit"):
        return False
    if ending.finish_reason == "error":
        return True
    empty = not ending.output_bytes and not (reported and reported.completion)
    return empty and not ending.finish_reason


def _estimate(ending: Ending, generation: Generation) -> Usage:
    return Usage(
        prompt=generation.chat.prompt_tokens_expected,
        completion=completion_tokens(ending.output_bytes),
        images=generation.chat.images,
    )
