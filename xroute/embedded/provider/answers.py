"""What the sandbox says: a text or calls of tools, capped at the tokens that were asked for. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from xroute.embedded.provider.faults import LONG_LINE_BYTES
from xroute.embedded.provider.schema import sample
from xroute.embedded.provider.tokens import BYTES_PER_TOKEN, cut_to, tokens_of_bytes

TOKENS_MAX = 1_000_000
WORDS = "sea sun fog tin ash oak elm ivy "  # each with its space is one token
ONE_TOKEN, ECHO_CHARACTERS, WHOLE = BYTES_PER_TOKEN, 8, LONG_LINE_BYTES
QUOTED_WORDS, QUOTED_CHARACTERS = 8, 200
WORD_OR_SPACE = re.compile(r"\S+\s*|\s+")
Calls = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`piece` is how many characters of the text a chunk carries, 0 for a word; `calls` are (name, arguments)."""

    text: str = field(repr=False)
    piece: int = 0
    calls: Calls = ()
    finish_reason: str = "stop"

    @property
    def tokens(self) -> int:
        said = self.text + "".join(name + arguments for name, arguments in self.calls)
        return tokens_of_bytes(len(said.encode()))

    def pieces(self) -> Iterator[str]:
        """The text in the parts that are streamed."""
        if not self.piece:
            yield from WORD_OR_SPACE.findall(self.text)
            return
        for start in range(0, len(self.text), self.piece):
            yield self.text[start : start + self.piece]


def answer(body: dict[str, Any], asked: str, tokens: int | None, echo: bool, tokens_max: int) -> Answer:
    """`asked` is the user's text without directives; `tokens` the exact length that it demands, if any."""
    calls = _calls(body, asked)
    if calls:
        return _calls_capped(calls, tokens_max)
    if echo:
        found = Answer(asked, ECHO_CHARACTERS)
    elif tokens is not None:
        rounds, rest = divmod(min(tokens, TOKENS_MAX), 8)
        found = Answer(WORDS * rounds + WORDS[: rest * ONE_TOKEN], ONE_TOKEN)
    else:
        found = _ordinary(body, asked)
    if found.tokens <= tokens_max:
        return found
    return Answer(cut_to(found.text, tokens_max), found.piece, finish_reason="length")


def long_line() -> Answer:
    return Answer("x" * LONG_LINE_BYTES, WHOLE)


def _ordinary(body: dict[str, Any], asked: str) -> Answer:
    wanted = body.get("response_format") or {}
    quoted = " ".join(asked.split()[:QUOTED_WORDS])[:QUOTED_CHARACTERS]
    if wanted.get("type") == "json_object":
        return Answer(orjson.dumps({"sandbox": True, "asked": quoted}).decode(), ONE_TOKEN)
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"].get("schema") or {"type": "object"}
        return Answer(orjson.dumps(sample(schema)).decode(), ONE_TOKEN)
    return Answer(f"This is the XRoute sandbox, standing in for {body['model']}. You asked: {quoted}")


def _calls(body: dict[str, Any], asked: str) -> Calls:
    """One call, or one for each tool where the text says "parallel"; none unless it is the tools' turn."""
    choice = body.get("tool_choice")
    if choice == "none" or body["messages"][-1]["role"] != "user":
        return ()
    tools = [tool["function"] for tool in body.get("tools") or () if tool["type"] == "function"]
    if isinstance(choice, dict):
        named = (choice.get("function") or {}).get("name")
        tools = [tool for tool in tools if tool["name"] == named]
    many = "parallel" in asked and body.get("parallel_tool_calls") is not False
    return tuple((tool["name"], _arguments(tool)) for tool in (tools if many else tools[:1]))


def _arguments(tool: dict[str, Any]) -> str:
    return orjson.dumps(sample(tool.get("parameters") or {"type": "object"})).decode()


def _calls_capped(calls: Calls, tokens_max: int) -> Answer:
    """The calls whose names fit; the last one's arguments may break off."""
    whole = Answer("", calls=calls, finish_reason="tool_calls")
    if whole.tokens <= tokens_max:
        return whole
    left, kept = tokens_max * BYTES_PER_TOKEN, []
    for name, arguments in calls:
        left -= len(name.encode())
        if left < 0:
            break
        fitting = arguments.encode()[:left].decode(errors="ignore")
        left -= len(fitting.encode())
        kept.append((name, fitting))
    return Answer("", calls=tuple(kept), finish_reason="length")
