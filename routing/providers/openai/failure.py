"""Error in: the status says what happened, the text only how; what may be shown is cleaned of credentials."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from routing.errors import Kind, UpstreamError

MESSAGE_LENGTH_MAX = 500
_READ_LENGTH_MAX = 4000
_FIELD_LENGTH_MAX = 100

_KINDS: dict[int, Kind] = {
    400: "invalid_request",
    413: "invalid_request",
    422: "invalid_request",
    401: "credential",
    402: "credential",
    403: "credential",
    404: "not_found",
    405: "not_found",
    410: "not_found",
    408: "timeout",
    504: "timeout",
    524: "timeout",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

# Where the upstream's own words would tell callers about our account there.
_OUR_WORDS: dict[Kind, str] = {
    "credential": "The provider refused our account.",
    "not_found": "The provider does not know this model.",
}

_CONTEXT_LENGTH = re.compile(
    r"context[_ ](?:length|window|size)|maximum context|prompt is too long|input is too long|too many (?:input )?tokens"
    r"|exceeds? the (?:model'?s? )?(?:maximum|max) (?:number of )?(?:input )?tokens",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_SECRET = re.compile(
    r"\bbearer\s+\S+"
    r"|\b(?:sk|pk|rk|gsk|xai|org|proj|hf|nvapi|csk|pplx|fw|xr|r8)[-_][\w*.-]{4,}"
    r"|\bAIza[\w-]{10,}"
    r"|(?<![\w+/=-])(?=[\w+/=-]*\d)[\w+=]{24,}[\w+/=-]*"
    r"|[\w+/=*-]{48,}",
    re.IGNORECASE | re.ASCII,
)


def error_in(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The failed answer as an UpstreamError. `headers` have lower-case names; `body` may be cut or empty.

    A 504 comes from a gateway whose origin may still finish and bill; no other error status is billed.
    """
    kind: Kind = _KINDS.get(status, "invalid_request" if 400 <= status < 500 else "server")
    message, code, param = _described(_json(body))
    if kind == "invalid_request" and _is_context_length(message, code):
        kind, code = "context_length", "context_length_exceeded"
    message = _OUR_WORDS.get(kind) or clean(message) or f"The provider answered with status {status}."
    shown = kind in ("invalid_request", "context_length")
    return UpstreamError(
        kind,
        message,
        status=status,
        code=code if shown else None,
        param=param if shown else None,
        retry_after_s=_retry_after_s(headers),
        may_be_billed=status in (504, 524),
    )


def in_band(error: Any, *, may_be_billed: bool) -> UpstreamError:
    """An error inside an answer of status 200."""
    message, _, _ = _described({"error": error})
    message = clean(message) or "The provider reported an error."
    return UpstreamError("in_band", message, status=200, may_be_billed=may_be_billed)


def clean(text: str) -> str:
    """Text that may be shown: bounded, on one line, with nothing in it that looks like a credential."""
    text = _CONTROL.sub(" ", text[:_READ_LENGTH_MAX])
    return _SECRET.sub("[hidden]", text).strip()[:MESSAGE_LENGTH_MAX]


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # an HTML page of some gateway: nothing in it is for the caller


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else ""
    except TypeError:
        return ""  # nested deeper than can be written


def _described(body: Any) -> tuple[str, str | None, str | None]:
    """Message, code and param out of the shapes in use: {"error": {…} or "…"}, {"message"}, {"detail"}, a list."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return "", None, None
    error = body.get("error") or body
    if isinstance(error, str):
        return error, None, None
    if not isinstance(error, dict):
        return "", None, None
    message = _text(error.get("message") or error.get("detail"))
    return message, _field(error, "code"), _field(error, "param")


def _field(error: dict[str, Any], name: str) -> str | None:
    value = error.get(name)
    return clean(value)[:_FIELD_LENGTH_MAX] or None if isinstance(value, str) else None


def _is_context_length(message: str, code: str | None) -> bool:
    return code == "context_length_exceeded" or bool(_CONTEXT_LENGTH.search(message[:_READ_LENGTH_MAX]))


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (seconds, or a date against the answer's own); never < 0."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return seconds * unit_s
    until = _date_s(headers.get("retry-after", ""))
    if until is None:
        return None
    return max(0.0, until - (_date_s(headers.get("date", "")) or time.time()))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text.strip(), re.ASCII) else None


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
