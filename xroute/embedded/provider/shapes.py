"""OpenAI's objects: completions, chunks, errors. Pure."""

from typing import Any

import orjson

from xroute.embedded.provider.plan import Plan

FINGERPRINT = "fp_sandbox"
STATUS_TEXT = {
    400: ("invalid_request_error", None, "The sandbox refuses this request on demand."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided (sandbox)."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Not supported here (sandbox)."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist (sandbox)."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached (sandbox). Please try again in 1s."),
    500: ("server_error", None, "The server had an error while processing your request (sandbox)."),
    503: ("server_error", "service_unavailable", "The engine is currently overloaded (sandbox)."),
    529: ("overloaded_error", "overloaded", "Overloaded (sandbox)."),
}


def error(message: str, *, kind: str = "invalid_request_error", code: Any = None, param: Any = None) -> bytes:
    """An error's body."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def status_error(status: int) -> bytes:
    """The body that OpenAI would send with this status."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    kind, code, message = STATUS_TEXT.get(status, (kind, None, f"The sandbox answers {status} on demand."))
    return error(message, kind=kind, code=code)


def usage(plan: Plan) -> dict[str, Any]:
    """The true one. The completion's tokens include those of reasoning, the prompt's those cached."""
    completion = plan.completion_tokens * plan.n
    return {
        "prompt_tokens": plan.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": plan.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": plan.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": plan.reasoning_tokens * plan.n,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def call(plan: Plan, position: int, name: str, arguments: str) -> dict[str, Any]:
    identity = f"call_{plan.id.removeprefix('chatcmpl-')}_{position}"
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def completion(plan: Plan) -> dict[str, Any]:
    """A whole chat.completion."""
    message: dict[str, Any] = {"role": "assistant", "content": plan.answer.text, "refusal": None, "annotations": []}
    if plan.answer.calls:
        message["content"] = None
        message["tool_calls"] = [call(plan, i, *called) for i, called in enumerate(plan.answer.calls)]
    ends = {"logprobs": None, "finish_reason": plan.answer.finish_reason}
    return {
        "id": plan.id,
        "object": "chat.completion",
        "created": plan.created,
        "model": plan.model,
        "choices": [{"index": index, "message": message, **ends} for index in range(plan.n)],
        "usage": usage(plan),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


class Chunks:
    """The chat.completion.chunk objects of one answer, put together from parts made once."""

    def __init__(self, plan: Plan) -> None:
        start = {
            "id": plan.id,
            "object": "chat.completion.chunk",
            "created": plan.created,
            "model": plan.model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }
        self._start = orjson.dumps(start)[:-1]
        self._null = b',"usage":null' if plan.include_usage else b""

    def delta(self, index: int, delta: bytes, finish: bytes = b"null", usage: Any = None) -> bytes:
        """One chunk; `delta` and `finish` are JSON."""
        spent = b',"usage":%b' % orjson.dumps(usage) if usage else self._null
        choice = b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}' % (index, delta, finish)
        return b'%b,"choices":[%b]%b}' % (self._start, choice, spent)

    def usage(self, usage: Any) -> bytes:
        """The chunk before [DONE]."""
        return b'%b,"choices":[],"usage":%b}' % (self._start, orjson.dumps(usage))


def around_content(stream: bool) -> tuple[bytes, bytes]:
    """A valid answer in two halves, between which any content may stand."""
    said, kind = ("delta", "chat.completion.chunk") if stream else ("message", "chat.completion")
    start = b'{"id":"chatcmpl-large","object":"%b","created":1,"model":"sandbox","choices":[{"index":0,"%b":'
    whole = start % (kind.encode(), said.encode()) + b'{"role":"assistant","content":"'
    end = b'"},"logprobs":null,"finish_reason":"stop"}]}'
    return (b"data: " + whole, end + b"\n\ndata: [DONE]\n\n") if stream else (whole, end)
