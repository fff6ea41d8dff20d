"""What a request asks of the sandbox: text, sizes, delays and faults. Pure.

Directives stand in the last user message: [[tokens=500]] [[delay_ms=20]] [[first_ms=100]] [[echo]] [[ragged]].
Faults stand in the model's name, after an optional author/: fault-500, fault-cut-3 and so on.
"""

import re
from dataclasses import dataclass, field
from typing import Any

DIRECTIVE = re.compile(r"\[\[(\w+)(?:=(\d+))?\]\]")
TOKENS_MAX = 200_000
WORDS = ("sand", "box", "tide", "dune", "shell", "reed", "gull", "salt")


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer. `pieces` are the chunks of the completion, one token each unless echoed."""

    model: str
    fault: str
    number: int
    stream: bool
    include_usage: bool
    n: int
    pieces: list[str] = field(repr=False)
    completion_tokens: int = 0
    prompt_tokens: int = 0
    finish_reason: str = "stop"
    delay_s: float = 0.0
    first_s: float = 0.0
    ragged: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def usage(self) -> dict[str, Any]:
        completion = self.completion_tokens * self.n
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def tokens_of(text: str) -> int:
    """A token for every four bytes."""
    return -(-len(text.encode()) // 4)


def plan(body: dict[str, Any]) -> Plan:
    """From a valid body to what will be answered."""
    model = str(body["model"])
    fault, number = fault_of(model)
    asked = last_user_text(body["messages"])
    directives = {name: int(value or 1) for name, value in DIRECTIVE.findall(asked)}
    text = DIRECTIVE.sub("", asked).strip()
    calls = tool_calls(body, text)
    pieces = [] if calls else pieces_of(text, directives, body)
    most = body.get("max_completion_tokens") or body.get("max_tokens") or TOKENS_MAX
    finish = "tool_calls" if calls else "stop"
    if not calls and "echo" not in directives and len(pieces) > most:
        pieces, finish = pieces[:most], "length"
    spoken = sum(tokens_of(name + arguments) for name, arguments in calls)
    count = spoken or (tokens_of(text) if "echo" in directives else len(pieces))
    return Plan(
        model=model,
        fault=fault,
        number=number,
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        n=int(body.get("n") or 1),
        pieces=pieces,
        completion_tokens=count,
        prompt_tokens=prompt_tokens(body),
        finish_reason=finish,
        delay_s=directives.get("delay_ms", 0) / 1000,
        first_s=directives.get("first_ms", 0) / 1000,
        ragged="ragged" in directives,
        calls=calls,
    )


def fault_of(model: str) -> tuple[str, int]:
    """("cut", 3) of x/fault-cut-3; ("", 0) where there is none."""
    name = model.rpartition("/")[2]
    if not name.startswith("fault-"):
        return "", 0
    head, _, tail = name.removeprefix("fault-").rpartition("-")
    if head and tail.isdigit():
        return head, int(tail)
    name = name.removeprefix("fault-")
    return ("status", int(name)) if name.isdigit() else (name, 0)


def last_user_text(messages: list[Any]) -> str:
    for message in reversed(messages):
        if message.get("role") == "user":
            return text_of(message.get("content"))
    return ""


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content or () if isinstance(part, dict))


def prompt_tokens(body: dict[str, Any]) -> int:
    """Four for each message, its text, 85 for each image."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += 4 + tokens_of(text_of(content))
        if isinstance(content, list):
            total += 85 * sum(1 for part in content if part.get("type") == "image_url")
    return total


def pieces_of(text: str, directives: dict[str, int], body: dict[str, Any]) -> list[str]:
    """The completion's pieces; with [[echo]] exactly the rest of the user's text."""
    if "echo" in directives:
        return [text[start : start + 8] for start in range(0, len(text), 8)]
    if "tokens" in directives:
        return [f"{WORDS[i % len(WORDS)]} " for i in range(min(directives["tokens"], TOKENS_MAX))]
    if (body.get("response_format") or {}).get("type") in ("json_object", "json_schema"):
        return ['{"sandbox"', ": ", "true", "}"]
    quoted = " ".join(text.split()[:8])
    answer = f"This is the XRoute sandbox, which stands in for {body['model']}. You asked: {quoted}"
    return [f"{word} " for word in answer.split()]


def tool_calls(body: dict[str, Any], text: str) -> list[tuple[str, str]]:
    """(name, arguments) of the calls: one, or one for each tool where the text says "parallel"."""
    tools = [tool["function"] for tool in body.get("tools") or () if tool.get("type") == "function"]
    if not tools or body.get("tool_choice") == "none" or body["messages"][-1].get("role") != "user":
        return []
    return [(tool["name"], arguments_for(tool)) for tool in (tools if "parallel" in text else tools[:1])]


def arguments_for(tool: dict[str, Any]) -> str:
    """JSON that has the schema's required properties."""
    schema = tool.get("parameters") or {}
    samples = {"string": '"sample"', "integer": "1", "number": "1.5", "boolean": "true", "array": "[]", "object": "{}"}
    known = schema.get("properties") or {}
    required = schema.get("required") or []
    parts = (f'"{name}": {samples.get((known.get(name) or {}).get("type") or "", "null")}' for name in required)
    return "{" + ", ".join(parts) + "}"
