"""How many tokens a text has here: one for every four bytes of UTF-8. Pure."""

from typing import Any

import orjson

BYTES_PER_TOKEN = 4
PER_MESSAGE = 4
PER_IMAGE = 85


def tokens_of_bytes(size: int) -> int:
    """One for every begun four bytes; none for nothing."""
    return -(-size // BYTES_PER_TOKEN)


def tokens_of(text: str) -> int:
    """At least one, as an empty message costs something too."""
    return max(1, tokens_of_bytes(len(text.encode())))


def cut_to(text: str, tokens_max: int) -> str:
    """The longest beginning that has at most so many tokens; no character is split."""
    return text.encode()[: tokens_max * BYTES_PER_TOKEN].decode(errors="ignore")


def text_of(content: Any) -> str:
    """The text of a message's content, be it a string or parts."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content or () if part.get("type") == "text")


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """What the user said last, or nothing."""
    return next((text_of(m.get("content")) for m in reversed(messages) if m["role"] == "user"), "")


def prompt_tokens(body: dict[str, Any]) -> int:
    """Four for each message, its text and calls, 85 for each image, and the tools as JSON. `body` is valid."""
    total = sum(map(_message_tokens, body["messages"]))
    return total + (tokens_of_bytes(len(orjson.dumps(body["tools"]))) if body.get("tools") else 0)


def _message_tokens(message: dict[str, Any]) -> int:
    content, calls = message.get("content"), message.get("tool_calls")
    total = PER_MESSAGE + tokens_of(text_of(content))
    if isinstance(content, list):
        total += PER_IMAGE * sum(part.get("type") == "image_url" for part in content)
    return total + (tokens_of_bytes(len(orjson.dumps(calls))) if calls else 0)
