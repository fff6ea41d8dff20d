"""Browsers of any origin may call the API plane: it knows no cookies, only bearer keys. Pure."""

import re

HeaderList = list[tuple[bytes, bytes]]
SAFE_HEADER = re.compile(
    r"authorization|content-type|accept|accept-language|user-agent|cache-control|idempotency-key|traceparent"
    r"|tracestate|x-api-key|x-request-id|x-title|http-referer|(?:openai|anthropic|x-stainless|x-xroute)-[a-z0-9-]{1,40}"
)
HEADERS_MAX = 32
EXPOSED = (
    b"x-request-id, x-generation-id, retry-after, x-should-retry, x-ratelimit-limit-requests, "
    b"x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
    b"x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)
ON_ANSWERS: HeaderList = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
]


def preflight_headers(requested: str) -> dict[str, str]:
    """The headers of a preflight's answer: of the `requested` ones those that are harmless."""
    names = [name.strip().lower() for name in requested.split(",", HEADERS_MAX)[:HEADERS_MAX]]
    safe = dict.fromkeys(["authorization", "content-type", *filter(SAFE_HEADER.fullmatch, names)])
    return {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": ", ".join(safe),
        "Access-Control-Max-Age": "7200",
        "Vary": "Access-Control-Request-Headers",
    }
