"""Response and stream events in: what the answer says, how long it is, and what it used."""

from typing import Any

import orjson

from billing.pricing import Usage
from routing.errors import UpstreamError
from routing.providers.openai.failure import in_band
from routing.providers.openai.usage import usage_in
from routing.types import Answer, ChatRequest, Chunk

_ID_LENGTH_MAX = 200

# orjson reads 1024 levels but writes only 254; an answer of so few brackets cannot be deeper.
_BRACKETS_SURELY_SHALLOW = 200

# A chunk without choices that holds nothing but these is only the carrier of usage.
_ENVELOPE = frozenset(
    ("id", "object", "created", "model", "choices", "system_fingerprint", "service_tier", "obfuscation", "provider")
)


def response_in(body: bytes, _chat: ChatRequest | None = None) -> Answer:
    """A whole answer. `usage` is taken out of the body; `choices` may be empty.

    Raises UpstreamError: "in_band" for an error inside, "server" for anything that is no completion.
    """
    answer = _object(body)
    choices = _choices(answer)
    if choices is None:
        raise UpstreamError("server", "The provider's answer has no choices.", status=200, may_be_billed=True)
    finished = _finished(choices)
    return Answer(
        body=answer,
        usage=_take_usage(answer, choices),
        upstream_id=_id(answer),
        finish_reason=next(iter(finished.values()), None),
        output_bytes=sum(_said_bytes(choice.get("message"), choice) for choice in choices),
    )


def event_in(data: bytes) -> Chunk:
    """One event of a stream. Raises UpstreamError: "in_band" for an error inside, "server" for what is no chunk."""
    if data.strip() == b"[DONE]":
        return Chunk(done=True)
    body = _object(data)
    choices = _choices(body) or []
    usage = _take_usage(body, choices)
    return Chunk(
        body=body if choices or not _ENVELOPE.issuperset(body) else None,
        usage=usage,
        finished=_finished(choices),
        output_bytes=sum(_said_bytes(choice.get("delta"), choice) for choice in choices),
        upstream_id=_id(body),
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(data)
        if data.count(b"[") + data.count(b"{") > _BRACKETS_SURELY_SHALLOW:
            orjson.dumps([body])
    except (orjson.JSONDecodeError, TypeError) as error:
        message = "The provider's answer is not JSON, or too deep to be passed on."
        raise UpstreamError("server", message, status=200, may_be_billed=True) from error
    if not isinstance(body, dict):
        raise UpstreamError("server", "The provider's answer is not a JSON object.", status=200, may_be_billed=True)
    if body.get("error"):
        raise in_band(body["error"], may_be_billed=bool(body.get("choices")))
    body.pop("error", None)  # some send `"error": null` with every chunk
    return body


def _choices(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    choices = body.get("choices")
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if not isinstance(choice, dict):
            raise UpstreamError(
                "server", "The provider's answer has a malformed choice.", status=200, may_be_billed=True
            )
        if choice.get("finish_reason") == "error":
            raise in_band(choice.get("error"), may_be_billed=True)
    return choices


def _finished(choices: list[dict[str, Any]]) -> dict[int, str]:
    finished = {}
    for position, choice in enumerate(choices):
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            index = choice.get("index")
            finished[index if type(index) is int else position] = reason
    return finished


def _take_usage(body: dict[str, Any], choices: list[dict[str, Any]]) -> Usage | None:
    """Usage is removed from wherever it stands: top level, Groq's `x_groq`, Moonshot's choices."""
    found = [usage_in(body.pop("usage", None))]
    groq = body.get("x_groq")
    if isinstance(groq, dict):
        del body["x_groq"]
        found.append(usage_in(groq.get("usage")))
    for choice in choices:
        if "usage" in choice:
            found.append(usage_in(choice.pop("usage")))
    return next((usage for usage in found if usage is not None), None)


def _id(body: dict[str, Any]) -> str:
    value = body.get("id")
    return value[:_ID_LENGTH_MAX] if isinstance(value, str) else ""


def _said_bytes(said: Any, choice: dict[str, Any]) -> int:
    """UTF-8 bytes that a delta or message adds to the completion."""
    if not isinstance(said, dict):
        return _bytes(choice.get("text"))
    size = _bytes(said.get("content")) + _bytes(said.get("refusal"))
    size += _bytes(said.get("reasoning_content") or said.get("reasoning"))  # some send one text under both names
    if isinstance(calls := said.get("tool_calls"), list):
        size += sum(_call_bytes(call.get("function")) for call in calls if isinstance(call, dict))
    if "function_call" in said:
        size += _call_bytes(said["function_call"])
    if isinstance(audio := said.get("audio"), dict):
        size += _bytes(audio.get("transcript"))
    return size


def _call_bytes(function: Any) -> int:
    if not isinstance(function, dict):
        return 0
    return _bytes(function.get("name")) + _bytes(function.get("arguments"))


def _bytes(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(orjson.dumps(value)) if value else 0
