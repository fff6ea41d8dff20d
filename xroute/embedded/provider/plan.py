"""What a request asks of the sandbox: answer, sizes, delays. Pure.

Directives stand in the last user message: [[tokens=500]] [[delay_ms=20]] [[first_ms=100]] [[echo]] [[ragged]]
[[cached=N]] [[reasoning=N]]. Other words in double brackets are text.
"""

import re
from dataclasses import dataclass
from typing import Any

from xroute.embedded.provider.answers import Answer, answer, long_line
from xroute.embedded.provider.faults import Fault, short_name
from xroute.embedded.provider.tokens import last_user_text, prompt_tokens

DIRECTIVE = re.compile(r"\[\[(?:(tokens|delay_ms|first_ms|cached|reasoning)=(\d{1,9})|(echo|ragged))\]\]")
REASONER_TOKENS = 16
NO_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer, for each of `n` choices alike; tokens of completion (reasoning included) are those of one."""

    id: str
    created: int
    model: str
    fault: Fault
    answer: Answer
    stream: bool
    include_usage: bool
    n: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    delay_s: float
    first_s: float
    ragged: bool


def plan(body: dict[str, Any], fault: Fault, answer_id: str, created: int) -> Plan:
    """From a valid body to what will be answered."""
    asked, directives = directed(last_user_text(body["messages"]))
    most = body.get("max_completion_tokens") or body.get("max_tokens") or NO_LIMIT
    reasoning = directives.get("reasoning", REASONER_TOKENS if short_name(body["model"]) == "reasoner" else 0)
    reasoning = min(reasoning, most)
    prompt = prompt_tokens(body)
    if fault.kind == "longline":
        found = long_line()
    else:
        found = answer(body, asked, directives.get("tokens"), "echo" in directives, most - reasoning)
    delay_ms = fault.number if fault.kind == "slow" else directives.get("delay_ms", 0)
    return Plan(
        id=answer_id,
        created=created,
        model=body["model"],
        fault=fault,
        answer=found,
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        n=body.get("n") or 1,
        prompt_tokens=prompt,
        cached_tokens=min(directives.get("cached", 0), prompt),
        completion_tokens=found.tokens + reasoning,
        reasoning_tokens=reasoning,
        delay_s=delay_ms / 1000,
        first_s=directives.get("first_ms", 0) / 1000,
        ragged="ragged" in directives,
    )


def directed(text: str) -> tuple[str, dict[str, int]]:
    """The text without directives, stripped, and these; a flag's value is 1."""
    if "[[" not in text:
        return text.strip(), {}
    directives = {name or flag: int(value or 1) for name, value, flag in DIRECTIVE.findall(text)}
    return DIRECTIVE.sub("", text).strip(), directives
