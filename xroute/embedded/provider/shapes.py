"""OpenAI's objects: completions, chunks, errors. Pure."""

import time
from typing import Any

import orjson

from xroute.embedded.provider.plan import Plan

FINGERPRINT = "fp_sandbox"
ABSURD = {"prompt_tokens": -5, "completion_tokens": 10**15, "total_tokens": "many"}


def completion(plan: Plan, answer_id: str) -> dict[str, Any]:
    """A whole chat.completion."""
    message: dict[str, Any] = {"role": "assistant", "content": None if plan.calls else "".join(plan.pieces)}
    if plan.calls:
        message["tool_calls"] = [call(i, name, arguments) for i, (name, arguments) in enumerate(plan.calls)]
    message["refusal"] = None
    choices = [
        {"index": i, "message": message, "logprobs": None, "finish_reason": plan.finish_reason} for i in range(plan.n)
    ]
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": plan.model,
        "choices": choices,
        "usage": plan.usage,
        "system_fingerprint": FINGERPRINT,
    }


def call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_sandbox{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def chunk(plan: Plan, answer_id: str, index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One chat.completion.chunk."""
    found: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": plan.model,
        "system_fingerprint": FINGERPRINT,
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }
    if plan.include_usage:
        found["usage"] = None
    return found


def usage_chunk(plan: Plan, answer_id: str, usage: Any) -> dict[str, Any]:
    """The chunk before [DONE]."""
    return chunk(plan, answer_id, 0, {}) | {"choices": [], "usage": usage}


def error(
    message: str, *, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None
) -> bytes:
    """An error's body."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def event(plan: Plan, data: dict[str, Any] | bytes) -> bytes:
    """One server-sent event; ragged ones use every liberty that the format allows."""
    payload = data if isinstance(data, bytes) else orjson.dumps(data)
    return b"data:%b\r\n\r\n" % payload if plan.ragged else b"data: %b\n\n" % payload
