"""Usage in: token counts as providers report them, or None where they cannot be trusted."""

from typing import Any

from billing.pricing import Usage

TOKENS_MAX = 2**31


def usage_in(raw: Any) -> Usage | None:
    """A `usage` object normalised: prompt includes cached, completion includes reasoning.

    None where prompt or completion tokens are missing or are no whole number from 0 to 2**31. Details that are
    missing or unusable count as 0: they can only make tokens cheaper.
    """
    if not isinstance(raw, dict):
        return None
    prompt = _count(raw.get("prompt_tokens"))
    completion = _count(raw.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    reasoning = _detail(raw.get("completion_tokens_details"), "reasoning_tokens")
    if reasoning and _count(raw.get("total_tokens")) == prompt + completion + reasoning:
        completion += reasoning  # xAI leaves reasoning out of completion_tokens; only the total tells
    cached = _detail(raw.get("prompt_tokens_details"), "cached_tokens")
    if not cached:
        cached = _count(raw.get("prompt_cache_hit_tokens")) or 0  # DeepSeek
    write = _detail(raw.get("prompt_tokens_details"), "cache_write_tokens")
    return Usage(prompt, completion, cached, write, reasoning).normalised()


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= TOKENS_MAX else None


def _detail(details: Any, name: str) -> int:
    return _count(details.get(name)) or 0 if isinstance(details, dict) else 0
