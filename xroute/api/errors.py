"""Any exception → an answer in OpenAI's shape. The one place where an error becomes HTTP."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import psycopg
import redis.exceptions
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import APIException

from xroute.api import trouble
from xroute.lib.errors import ApiError, invalid, unavailable
from xroute.lib.pg import Outage

# psycopg_pool's errors are psycopg.OperationalErrors; time limits and broken connections are OSErrors.
INFRASTRUCTURE = (
    Outage,
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    OSError,
)
KINDS = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
CODES = {
    "not_authenticated": "invalid_api_key",
    "authentication_failed": "invalid_api_key",
    "throttled": "rate_limit_exceeded",
}


def response(error: Exception, request: HttpRequest) -> HttpResponse:
    """The answer to `error`. What nobody expected is logged, without the body or any exception's text."""
    shown = as_api_error(error)
    request_id = getattr(request, "request_id", "")
    if shown is not error and shown.status >= 500:
        trouble.log(error, request, request_id, outage=shown.status == 503)
    answer = HttpResponse(body(shown, request_id), status=shown.status, content_type="application/json")
    for name, value in shown.headers.items():
        answer[name] = value
    if shown.metadata.get("may_be_billed"):
        answer["x-should-retry"] = "false"
    return answer


def body(error: ApiError, request_id: str) -> bytes:
    """The JSON of an error: OpenAI's four keys, always all of them, and OpenRouter's metadata."""
    metadata = {"error_type": error.code or error.kind, "request_id": request_id} | error.metadata
    metadata.pop("may_be_billed", None)
    shown = {
        "message": error.message,
        "type": error.kind,
        "param": None if error.param is None else str(error.param),
        "code": None if error.code is None else str(error.code),
        "metadata": metadata,
    }
    try:
        return orjson.dumps({"error": shown}, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate out of somebody's text; the answer must come all the same
        clean = {**shown, "message": error.message.encode("utf-8", "replace").decode(), "param": None}
        return orjson.dumps({"error": clean | {"metadata": {"request_id": request_id}}})


def as_api_error(error: Exception) -> ApiError:
    """What a client is told about `error`. Never 409, which clients retry."""
    found = _translate(error)
    if found.status == 409:
        found.status = 400
    return found


def _translate(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, APIException) and (error.status_code < 500 or error.status_code == 503):
        return _of_drf(error)
    if isinstance(error, Http404):
        return invalid("There is nothing at this URL.", code="not_found", status=404)
    if isinstance(error, PermissionDenied):
        return ApiError(403, "permission_error", "permission_denied", "You may not do this with this API key.")
    if isinstance(error, DisallowedHost):
        return bad_host()
    if isinstance(error, RequestDataTooBig):
        return invalid("The body is too large.", code="request_too_large", status=413)
    if isinstance(error, (SuspiciousOperation, BadRequest, MultiPartParserError)):
        return invalid("The request is malformed.", code="bad_request")
    if isinstance(error, INFRASTRUCTURE):
        return unavailable("The service is briefly unavailable. Try again shortly.")
    return internal()


def internal() -> ApiError:
    """An unexpected failure: what was done before it is unknown, so clients are told not to repeat it."""
    message = "Something went wrong on our side. The request id lets the operator find it."
    return ApiError(500, "api_error", "internal_error", message, metadata={"may_be_billed": True})


def bad_host() -> ApiError:
    """The Host header is missing, doubled, malformed or not one of ours."""
    return invalid("The Host header is not one that this server answers to (see ALLOWED_HOSTS).", code="bad_host")


def unsupported_media_type(sent: str, accepted: Sequence[str]) -> ApiError:
    """415: a body of another type than is read here."""
    message = f"The body has the header Content-Type: {sent[:100]}. Send it as {' or '.join(accepted)}."
    return invalid(message, param="Content-Type", code="unsupported_media_type", status=415)


def method_not_allowed(method: str, allowed: list[str]) -> ApiError:
    """405 with the methods there are."""
    message = f"{method} is not allowed here. Use {' or '.join(allowed)}."
    headers = {"Allow": ", ".join(allowed)}
    return ApiError(405, "invalid_request_error", "method_not_allowed", message, headers=headers)


def _of_drf(error: APIException) -> ApiError:
    status = error.status_code
    param, detail = _first_leaf(error.detail, "")
    code = getattr(detail, "code", None) or error.default_code
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = getattr(error, "auth_header", None) or "Bearer"
    wait = getattr(error, "wait", None)
    if wait is not None or status == 503:
        headers["Retry-After"] = str(math.ceil(wait or 1))
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return ApiError(status, kind, CODES.get(code, code), str(detail), param=param, headers=headers)


def _first_leaf(detail: Any, path: str) -> tuple[str | None, Any]:
    """The first message inside DRF's nested details and the dotted name of the field it is about."""
    if isinstance(detail, Mapping) and detail:
        name, inner = next(iter(detail.items()))
        return _first_leaf(inner, f"{path}.{name}".lstrip("."))
    if isinstance(detail, (list, tuple)) and detail:
        return _first_leaf(detail[0], path)
    return path or None, detail
