"""Every answer of the plane is in OpenAI's shape and says which request it belongs to."""

import asyncio
import json
import logging
from typing import Any

import pytest
from django.core import signals
from django.test import override_settings

from tests.api import urls
from tests.api.conftest import Client, Reply
from xroute.api.handler import LeanHandler

ME = [(b"authorization", b"Bearer me")]


def error_of(reply: Reply) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(reply.body)["error"]
    assert set(error) == {"message", "type", "param", "code", "metadata"}
    assert error["metadata"]["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["content-type"] == "application/json"
    assert int(reply.headers["content-length"]) == len(reply.body)
    return error


async def test_a_view_answers(call: Client) -> None:
    reply = await call("/v1/echo", headers=ME)
    assert reply.status == 200
    assert json.loads(reply.body) == {"caller": "me", "id": reply.headers["x-request-id"]}
    assert len(reply.messages) == 2
    assert call.receives == 0


async def test_a_body_is_read_once_and_arrives_whole(call: Client) -> None:
    reply = await call("/v1/echo", "POST", ME, b"x" * 1000)
    assert json.loads(reply.body) == {"length": 1000}
    assert reply.headers["x-generation-id"] == "gen-1"
    assert call.receives == 1


async def test_function_views_get_their_body(call: Client) -> None:
    assert json.loads((await call("/v1/function", "POST", body=b"abc")).body) == {"length": 3}


@pytest.mark.parametrize("given", [b"abc-DEF_1", b"a" * 64])
async def test_a_good_request_id_is_kept(call: Client, given: bytes) -> None:
    assert (await call("/v1/empty", headers=[(b"x-request-id", given)])).headers["x-request-id"] == given.decode()


@pytest.mark.parametrize("given", [[b"a" * 65], [b"a b"], [b""], [b"a\nb"], [b"one", b"two"], [b"\xe4"]])
async def test_a_bad_request_id_is_replaced(call: Client, given: list[bytes]) -> None:
    reply = await call("/v1/empty", headers=[(b"x-request-id", value) for value in given])
    assert reply.headers["x-request-id"].startswith("req_")


async def test_unknown_paths(call: Client) -> None:
    reply = await call("/v1/nowhere\n", "POST")
    assert reply.status == 404
    assert error_of(reply)["code"] == "unknown_url"
    assert "POST /v1/nowhere" in error_of(reply)["message"]


async def test_a_wrong_method_names_the_right_ones(call: Client) -> None:
    reply = await call("/v1/echo", "DELETE", ME)
    assert reply.status == 405
    assert error_of(reply)["code"] == "method_not_allowed"
    assert reply.headers["allow"] == "GET, POST, HEAD, OPTIONS"
    assert (await call("/v1/echo", "WEIRD")).status == 405


async def test_options_and_head(call: Client) -> None:
    reply = await call("/v1/echo", "OPTIONS")
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "GET, POST, HEAD, OPTIONS", b"")
    assert "content-length" not in reply.headers
    assert (await call("/v1/nowhere", "OPTIONS")).status == 404
    head = await call("/v1/echo", "HEAD", ME)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    stream = await call("/v1/stream/three", "HEAD")
    assert (stream.status, stream.body) == (200, b"")


async def test_preflight_needs_no_key(call: Client) -> None:
    asked = [
        (b"origin", b"https://app.example"),
        (b"access-control-request-method", b"POST"),
        (b"access-control-request-headers", b"Authorization, x-stainless-os, X-Evil, content-type, a\r\nb"),
    ]
    reply = await call("/v1/echo", "OPTIONS", asked)
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-headers"] == "authorization, content-type, x-stainless-os"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert reply.headers["access-control-max-age"] == "7200"


async def test_other_origins_may_read_answers_and_errors(call: Client) -> None:
    origin = [(b"origin", b"https://app.example")]
    for path in ("/v1/empty", "/v1/nowhere", "/v1/stream/three"):
        reply = await call(path, headers=origin)
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "x-request-id" in reply.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in (await call("/v1/empty")).headers


async def test_a_query_string_that_is_no_text(call: Client) -> None:
    reply = await call("/v1/empty", query_string=b"a=\xff")
    assert (reply.status, error_of(reply)["code"]) == (400, "bad_request")


@pytest.mark.parametrize("debug", [True, False])
async def test_a_bug_is_a_json_500_and_its_words_stay_out_of_the_log(
    handler: LeanHandler, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    with override_settings(DEBUG=debug, DEBUG_PROPAGATE_EXCEPTIONS=debug), caplog.at_level(logging.DEBUG):
        reply = await Client(handler)("/v1/fail/bug", "POST", ME, b"a secret body")
    assert reply.status == 500
    error = error_of(reply)
    assert (error["type"], error["code"]) == ("api_error", "internal_error")
    assert reply.headers["x-should-retry"] == "false"
    assert "KeyError" in caplog.text
    assert "urls.py" in caplog.text
    assert reply.headers["x-request-id"] in caplog.text
    assert "a secret" not in caplog.text
    assert "Bearer me" not in caplog.text


@pytest.mark.parametrize("path", ["nothing", "sync-stream", "blocking"])
async def test_views_that_break_the_rules_are_bugs(call: Client, path: str) -> None:
    reply = await call(f"/v1/{path}")
    assert (reply.status, error_of(reply)["code"]) == (500, "internal_error")


async def test_no_signal_is_sent(call: Client) -> None:
    def forbidden(**_: Any) -> None:
        raise AssertionError("a signal was sent")

    every = [signals.request_started, signals.request_finished, signals.got_request_exception]
    for signal in every:
        signal.connect(forbidden)
    try:
        for path in ("/v1/empty", "/v1/fail/bug", "/v1/stream/three"):
            await call(path)
    finally:
        for signal in every:
            signal.disconnect(forbidden)


async def test_no_thread_and_no_task_is_used(call: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "run_in_executor", lambda *_: pytest.fail("a thread"))
        patch.setattr(loop, "create_task", lambda *_, **__: pytest.fail("a task"))
        assert (await call("/v1/echo", "POST", ME, b"{}")).status == 200
        assert (await call("/v1/fail/bug")).status == 500


async def test_only_http_is_served(handler: LeanHandler) -> None:
    with pytest.raises(ValueError, match="websocket"):
        await handler({"type": "websocket"}, None, None)


async def test_in_flight_limit(client_of: Any) -> None:
    call = client_of(inflight_max=1)
    slow = asyncio.create_task(call("/v1/sleep/200"))
    await asyncio.sleep(0.02)
    reply = await Client(call.handler)("/v1/echo", headers=ME)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert error_of(reply)["code"] == "overloaded"
    assert urls.seen == []
    assert (await slow).status == 200
    assert (await call("/v1/empty")).status == 200
    assert call.handler.inflight == 0


async def test_a_request_cancelled_at_shutdown_is_answered(handler: LeanHandler) -> None:
    sent = asyncio.create_task(Client(handler)("/v1/sleep/5000"))
    await asyncio.sleep(0.02)
    sent.cancel()
    reply = await sent
    assert (reply.status, reply.headers["x-should-retry"]) == (503, "false")
    assert handler.inflight == 0
