"""Which exception becomes which answer."""

import json
from typing import Any

import orjson
import psycopg
import psycopg_pool
import pytest
import redis.exceptions
from django.core import exceptions as django_errors
from django.db import IntegrityError, OperationalError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from rest_framework import exceptions as drf, serializers

from tests.api.conftest import Client
from xroute.api import errors
from xroute.api.trouble import trace
from xroute.lib.errors import ApiError, invalid, unavailable
from xroute.lib.pg import Outage

INVALID, AUTH, DENIED, LIMIT, OURS = (
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "api_error",
)
TABLE: list[tuple[Exception, int, str, str | None]] = [
    (invalid("x", code="c"), 400, INVALID, "c"),
    (
        ApiError(402, "insufficient_quota", "insufficient_credits", "x"),
        402,
        "insufficient_quota",
        "insufficient_credits",
    ),
    (ApiError(409, INVALID, "conflict", "x"), 400, INVALID, "conflict"),
    (drf.NotAuthenticated(), 401, AUTH, "invalid_api_key"),
    (drf.AuthenticationFailed(), 401, AUTH, "invalid_api_key"),
    (drf.PermissionDenied(), 403, DENIED, "permission_denied"),
    (drf.NotFound(), 404, INVALID, "not_found"),
    (drf.MethodNotAllowed("PUT"), 405, INVALID, "method_not_allowed"),
    (drf.UnsupportedMediaType("a/b"), 415, INVALID, "unsupported_media_type"),
    (drf.ParseError(), 400, INVALID, "parse_error"),
    (drf.Throttled(wait=6.2), 429, LIMIT, "rate_limit_exceeded"),
    (drf.APIException("a secret"), 500, OURS, "internal_error"),
    (Http404("a secret"), 404, INVALID, "not_found"),
    (django_errors.PermissionDenied("a secret"), 403, DENIED, "permission_denied"),
    (django_errors.DisallowedHost("a secret"), 400, INVALID, "bad_host"),
    (django_errors.SuspiciousOperation("a secret"), 400, INVALID, "bad_request"),
    (django_errors.BadRequest("a secret"), 400, INVALID, "bad_request"),
    (django_errors.RequestDataTooBig("a secret"), 413, INVALID, "request_too_large"),
    (MultiPartParserError("a secret"), 400, INVALID, "bad_request"),
    (OperationalError("a secret"), 503, OURS, "overloaded"),
    (psycopg.OperationalError("a secret"), 503, OURS, "overloaded"),
    (psycopg.errors.AdminShutdown("a secret"), 503, OURS, "overloaded"),
    (psycopg.InterfaceError("a secret"), 503, OURS, "overloaded"),
    (psycopg_pool.PoolTimeout("a secret"), 503, OURS, "overloaded"),
    (psycopg_pool.PoolClosed("a secret"), 503, OURS, "overloaded"),
    (psycopg_pool.TooManyRequests("a secret"), 503, OURS, "overloaded"),
    (Outage("a secret"), 503, OURS, "overloaded"),
    (redis.exceptions.ConnectionError("a secret"), 503, OURS, "overloaded"),
    (redis.exceptions.TimeoutError("a secret"), 503, OURS, "overloaded"),
    (ConnectionRefusedError("a secret"), 503, OURS, "overloaded"),
    (TimeoutError("a secret"), 503, OURS, "overloaded"),
    (OSError(28, "a secret"), 503, OURS, "overloaded"),
    (IntegrityError("a secret"), 500, OURS, "internal_error"),
    (psycopg.errors.UndefinedTable("a secret"), 500, OURS, "internal_error"),
    (ValueError("a secret"), 500, OURS, "internal_error"),
    (drf.APIException("a secret", code="x"), 500, OURS, "internal_error"),
]


@pytest.mark.parametrize(("error", "status", "kind", "code"), TABLE, ids=lambda value: type(value).__qualname__)
def test_the_table(error: Exception, status: int, kind: str, code: str | None, caplog: Any) -> None:
    answer = errors.response(error, RequestFactory().get("/"))
    shown = json.loads(answer.content)["error"]
    assert (answer.status_code, shown["type"], shown["code"], shown["param"]) == (status, kind, code, None)
    assert shown["metadata"]["error_type"] == code
    assert "a secret" not in answer.content.decode() + caplog.text
    assert answer.has_header("Retry-After") is (status in (429, 503))
    assert answer.has_header("WWW-Authenticate") is (status == 401)
    assert bool(caplog.text) is (status >= 500)


def test_a_throttle_says_how_long() -> None:
    assert errors.response(drf.Throttled(wait=6.2), RequestFactory().get("/"))["Retry-After"] == "7"


def test_the_field_of_a_validation_error_is_named() -> None:
    error = serializers.ValidationError({"items": [{"name": ["Too short."]}], "other": ["x"]})
    shown = errors.as_api_error(error)
    assert (shown.status, shown.param, shown.message, shown.code) == (400, "items.name", "Too short.", "invalid")


def test_the_body_has_every_key() -> None:
    error = ApiError(
        503,
        "api_error",
        "provider_error",
        "All failed.",
        param="model",
        metadata={"provider_name": "acme", "attempts": [{"status": 500}], "may_be_billed": True},
    )
    assert orjson.loads(errors.body(error, "req_1")) == {
        "error": {
            "message": "All failed.",
            "type": "api_error",
            "param": "model",
            "code": "provider_error",
            "metadata": {
                "error_type": "provider_error",
                "provider_name": "acme",
                "request_id": "req_1",
                "attempts": [{"status": 500}],
            },
        }
    }


def test_codes_and_fields_are_strings_or_null() -> None:
    odd: Any = ApiError(400, INVALID, None, "x")
    odd.param, odd.code = 3, 400
    shown = orjson.loads(errors.body(odd, ""))["error"]
    assert (shown["param"], shown["code"]) == ("3", "400")
    assert orjson.loads(errors.body(unavailable("x", code=None), ""))["error"]["code"] is None  # type: ignore[arg-type]


def test_text_that_is_no_utf8_still_gives_an_answer() -> None:
    shown = orjson.loads(errors.body(invalid("no \ud800 such", param="\ud800"), "req_1"))["error"]
    assert (shown["message"], shown["metadata"]) == ("no ? such", {"request_id": "req_1"})


async def test_what_may_be_billed_is_not_to_be_repeated(call: Client) -> None:
    reply = await call("/v1/fail/billed")
    assert (reply.status, reply.headers["x-should-retry"]) == (502, "false")
    metadata = json.loads(reply.body)["error"]["metadata"]
    assert metadata == {"error_type": "provider_error", "n": 1, "request_id": reply.headers["x-request-id"]}
    assert "x-should-retry" not in (await call("/v1/fail/api")).headers


@pytest.mark.parametrize(("name", "status"), [("api", 400), ("missing", 404), ("denied", 403), ("bug", 500)])
async def test_views_without_a_base_class_are_mapped_too(call: Client, name: str, status: int) -> None:
    assert (await call(f"/v1/fail/{name}")).status == status


def test_a_trace_shows_places_and_causes_only() -> None:
    try:
        try:
            int("a secret")
        except ValueError as error:
            raise RuntimeError("another secret"[:3]) from error
    except RuntimeError as error:
        shown = trace(error)
    assert shown.count("test_errors.py") == 2
    assert shown.endswith("builtins.ValueError")
    assert "builtins.RuntimeError\nbecause of\n" in shown
    assert "invalid literal" not in shown
