"""The view base lets no one through who is not known, allowed and patient."""

# ruff: noqa: ARG002 (a view's arguments are given, used or not)

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import AsyncRequestFactory

from tests.api import urls
from tests.api.conftest import Client
from xroute.api.request import LeanRequest
from xroute.api.view import AsyncAPIView, json_response


def bearer(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {key}".encode())]


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("broken", 500, "internal_error"),
        ("outage", 503, "overloaded"),
        ("stranger", 403, "permission_denied"),
        ("eager", 429, "rate_limit_exceeded"),
    ],
)
async def test_every_gate_fails_closed(call: Client, key: str, status: int, code: str, caplog: Any) -> None:
    for method, body in (("GET", None), ("POST", b"a secret")):
        reply = await call("/v1/echo", method, bearer(key), body)
        assert (reply.status, json.loads(reply.body)["error"]["code"]) == (status, code)
        assert call.receives == 0
    assert urls.seen == []
    assert f"Bearer {key}" not in caplog.text


async def test_no_key_is_401_with_the_scheme(call: Client) -> None:
    reply = await call("/v1/echo")
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert urls.seen == []


async def test_a_throttle_tells_when(call: Client) -> None:
    assert (await call("/v1/echo", headers=bearer("eager"))).headers["retry-after"] == "7"


async def test_an_authenticator_that_blocks_is_refused(call: Client) -> None:
    assert (await call("/v1/unawaitable")).status == 500
    assert urls.seen == []


def test_a_view_must_say_that_it_is_public() -> None:
    class Forgotten(AsyncAPIView):
        async def get(self, request: LeanRequest) -> HttpResponse:
            return json_response({})

    with pytest.raises(ImproperlyConfigured, match="Forgotten needs authentication_classes"):
        Forgotten.as_view()
    assert Forgotten.as_view(public=True)
    assert Forgotten.as_view(authentication_classes=[urls.Bearer])


async def test_a_sync_handler_or_permission(call: Client) -> None:
    class No:
        message = "Not with this key."
        code = "model_not_allowed"

        def has_permission(self, request: Any, view: Any) -> bool:
            return False

    class Plain(AsyncAPIView):
        public = True

        def get(self, request: LeanRequest) -> HttpResponse:
            return json_response({})

    factory = AsyncRequestFactory()

    def make() -> Any:
        made = factory.get("/")
        made.load_body = load  # type: ignore[attr-defined]
        return made

    async def load() -> None:
        return None

    assert (await Plain.as_view()(make())).status_code == 500
    refused = await Plain.as_view(permission_classes=[No])(make())
    error = json.loads(refused.content)["error"]
    assert (refused.status_code, error["code"], error["message"]) == (403, "model_not_allowed", "Not with this key.")


def test_json_response_passes_bytes_on() -> None:
    made = json_response(b'{"a":1}', 201, {"x-a": "b"})
    assert (made.status_code, made.content, made["x-a"], made["Content-Type"]) == (
        201,
        b'{"a":1}',
        "b",
        "application/json",
    )
    assert json_response({"a": 1}).content == b'{"a":1}'
