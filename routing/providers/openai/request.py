"""Request out: the caller's body with what routing decided written over it, and none of the caller's headers."""

from typing import Any

import orjson

from routing.types import ChatRequest, Credential, Endpoint, UpstreamRequest

LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
QUIRKS = frozenset({*LIMIT_FIELDS, "no_stream_options"})

# Words of our own (and OpenRouter's): they say where a request goes and mean nothing upstream.
_ROUTING = ("models", "provider", "route", "transforms", "usage")


def cannot(_chat: ChatRequest) -> frozenset[str]:
    """Nothing: the body goes out as it came in."""
    return frozenset()


def request_out(
    endpoint: Endpoint,
    credential: Credential | None,
    chat: ChatRequest,
    *,
    max_tokens: int | None,
    request_id: str,
) -> UpstreamRequest:
    """What is sent to `endpoint`. `max_tokens` replaces the caller's limit; None leaves that as it is."""
    body = dict(chat.body)
    for key in _ROUTING:
        body.pop(key, None)
    body["model"] = endpoint.upstream_id
    _set_stream(body, chat, endpoint.provider.quirks)
    _set_limit(body, chat, endpoint.provider.quirks, max_tokens)
    return UpstreamRequest(
        url=endpoint.provider.base_url + "/chat/completions",
        headers=_headers(credential, stream=chat.stream, request_id=request_id),
        body=orjson.dumps(body),
    )


def _set_stream(body: dict[str, Any], chat: ChatRequest, quirks: frozenset[str]) -> None:
    options = body.pop("stream_options", None)
    body.pop("stream", None)
    if not chat.stream:
        return
    body["stream"] = True
    if "no_stream_options" not in quirks:  # without usage we would bill an estimate
        body["stream_options"] = {**(options or {}), "include_usage": True}


def _set_limit(body: dict[str, Any], chat: ChatRequest, quirks: frozenset[str], max_tokens: int | None) -> None:
    limit = chat.max_tokens if max_tokens is None else max_tokens
    for field in LIMIT_FIELDS:
        body.pop(field, None)
    if limit is None:
        return
    field = next((name for name in LIMIT_FIELDS if name in quirks), chat.limit_field)
    body[field] = limit


def _headers(credential: Credential | None, *, stream: bool, request_id: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        "Accept-Encoding": "identity",  # a compressed answer could be a bomb; upstream.py refuses it
        "User-Agent": "xroute",
        "X-Request-Id": request_id,
    }
    if credential is not None:
        headers["Authorization"] = f"Bearer {credential.secret}"
    return headers
