"""Statuses are safe for the SDKs' retries: never 409, and what may have been billed says x-should-retry: false."""

import asyncio
import json

import httpx
import pytest

from tests.routing.calls import ask, record, stream
from tests.routing.wire import always, answer, serving

#         what upstream does → status, type and code here, and whether it may have been billed there
TABLE = {
    "400": (400, "invalid_request_error", None, False),
    "401": (502, "api_error", "provider_error", False),
    "403": (502, "api_error", "provider_error", False),
    "404": (502, "api_error", "provider_error", False),
    "429": (429, "rate_limit_error", "upstream_rate_limited", False),
    "500": (502, "api_error", "provider_error", False),
    "502": (502, "api_error", "provider_error", False),
    "503": (503, "api_error", "overloaded", False),
    "529": (503, "api_error", "overloaded", False),
    "html-502": (502, "api_error", "provider_error", False),
    "redirect": (502, "api_error", "provider_error", False),
    "gzip": (502, "api_error", "provider_error", True),
    "garbage": (502, "api_error", "provider_error", True),
    "error-200": (502, "api_error", "provider_error", False),
}


def check(error: dict, status: int, headers, expected: tuple) -> None:
    kind, code, billed = expected[1:]
    assert (status, error["type"]) == (expected[0], kind)
    if code:
        assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code", "metadata"}
    assert headers.get("x-should-retry") == ("false" if billed else None)
    assert ("retry-after" in headers) == (status in (429, 503))
    assert "may_be_billed" not in error["metadata"]
    if status >= 429:
        assert error["metadata"]["attempts"][0]["provider"] == error["metadata"]["provider_name"] == "sandbox"
    assert "sandbox" in error["message"] or status in (400, 503)


@pytest.mark.parametrize("fault", TABLE)
async def test_a_plain_answer(client, owner, fault):
    found = await ask(client, owner, model=f"sandbox/fault-{fault}")
    check(found.json()["error"], found.status_code, found.headers, TABLE[fault])
    booked = await record(found.headers["x-request-id"])
    assert (booked["basis"], booked["cost_nanousd"]) == ("not_charged", 0)
    assert (booked["house_nanousd"] > 0) == TABLE[fault][3]


@pytest.mark.parametrize("fault", TABLE)
async def test_a_stream_that_has_not_begun(client, owner, fault):
    """An HTTP status, like a plain answer's: SDKs can act upon it."""
    if fault == "gzip":  # made at the first request, for so long that comments come before it
        await stream(client, owner, model=f"sandbox/fault-{fault}", max_tokens=10)
    seen = await stream(client, owner, model=f"sandbox/fault-{fault}", max_tokens=10)
    assert seen.headers["content-type"] == "application/json"
    check(_error(seen), seen.status, seen.headers, TABLE[fault])


def _error(seen) -> dict:
    return json.loads(seen.raw)["error"]


async def test_silence_is_a_504_that_must_not_be_repeated(web_factory, owner):
    web = await asyncio.to_thread(web_factory, XROUTE_TOTAL_TIMEOUT_S="1", XROUTE_CHUNK_TIMEOUT_S="1")
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as client:
        plain = await ask(client, owner, model="sandbox/fault-silence", max_tokens=10)
        seen = await stream(client, owner, model="sandbox/fault-silence", max_tokens=10)
        over = await ask(client, owner, "[[first_ms=5000]]", model="sandbox/three", max_tokens=10)
    for error, status, headers in (
        (plain.json()["error"], plain.status_code, plain.headers),
        (_error(seen), seen.status, seen.headers),
    ):
        assert (status, error["code"], headers["x-should-retry"]) == (504, "provider_timeout", "false")
    booked = await record(plain.headers["x-request-id"])
    assert booked["cost_nanousd"] == 0
    assert booked["house_nanousd"] > 0
    assert over.status_code == 504
    assert len(over.json()["error"]["metadata"]["attempts"]) == 1, "what may be billed is not repeated elsewhere"


@pytest.mark.parametrize("status", ["402 P", "405 M", "408 T", "409 C", "410 G", "413 L", "418 T", "422 U", "451 L"])
async def test_a_status_that_sdks_repeat_is_translated(client, owner, make_model, status):
    async with serving(always(answer(b'{"error":{"message":"no"}}', status=status))) as url:
        found = await ask(client, owner, model=await make_model((url, "m")))
    assert found.status_code in (400, 413, 422, 502, 504)
    if found.status_code == 504:
        assert status == "408 T"
    assert set(found.json()["error"]) == {"message", "type", "param", "code", "metadata"}


@pytest.mark.parametrize(
    ("given", "shown"), [("0", "5"), ("1", "1"), ("7", "7"), ("100000", "60"), ("junk", "5"), ("", "5")]
)
async def test_retry_after_is_a_bounded_whole_number(client, owner, make_model, given, shown):
    async with serving(always(answer(b"{}", status="429 T", headers=f"Retry-After: {given}\r\n"))) as url:
        found = await ask(client, owner, model=await make_model((url, "m")))
    assert (found.status_code, found.headers["retry-after"]) == (429, shown)
    assert "not this installation" in found.json()["error"]["message"]


async def test_a_cooled_credential_is_429_without_a_call(client, owner, make_model, sandbox):
    calls = 0

    async def limited(reader, writer):
        nonlocal calls
        calls += 1
        await always(answer(b"{}", status="429 T", headers="Retry-After: 30\r\n"))(reader, writer)

    async with serving(limited) as url:
        model = await make_model((url, "m"))
        first = await ask(client, owner, model=model)
        second = await ask(client, owner, model=model)
    assert (first.status_code, second.status_code, calls) == (429, 429, 1)
    assert second.json()["error"]["code"] == "upstream_rate_limited"
    assert 1 <= int(second.headers["retry-after"]) <= 30


async def test_a_refused_credential_is_the_operators_matter_and_no_rate_limit(client, owner, make_model, web):
    """It is left alone for a minute, in which callers are told the same."""
    async with serving(always(answer(b"{}", status="401 U"))) as url:
        model = await make_model((url, "m"))
        answers = [await ask(client, owner, model=model) for _ in range(2)]
    for found in answers:
        assert (found.status_code, found.json()["error"]["code"]) == (502, "provider_error")
        assert "operator has been alerted" in found.json()["error"]["message"]
    assert [found.json()["error"]["metadata"]["attempts"][0]["detail"] for found in answers] == ["401", "refused"]
    name = answers[0].json()["error"]["metadata"]["provider_name"]
    assert web.log.read_text().count(f"ALERT {name} refused our credential") == 1


async def test_upstream_text_is_cleaned_of_credentials(client, owner, make_model):
    text = b'{"error":{"message":"bad key sk-live-abcdefghijklmnop1234 for org-12345678 see http"}}'
    for status in ("401 U", "500 I", "400 B"):
        async with serving(always(answer(text, status=status))) as url:
            found = await ask(client, owner, model=await make_model((url, "m")))
        assert "sk-live" not in found.text
        assert "org-1234" not in found.text
