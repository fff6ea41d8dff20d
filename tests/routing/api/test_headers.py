"""Headers that clients rely on: x-request-id, x-generation-id, x-ratelimit-*."""

import asyncio
import re
import time

import httpx
import pytest

from accounts.models import ApiKey
from tests.cast import USD, person
from tests.routing.calls import CHAT, ask, body, record, stream


def limited(**limits):
    found = person(credit_nanousd=USD)
    ApiKey.objects.filter(pk=found.key_id).update(**limits)
    return found


async def test_the_callers_request_id_is_kept_down_to_the_ledger(client, owner):
    name = f"mine-{owner.key_id}"
    answer = await client.post(CHAT, json=body(), headers=owner.headers | {"X-Request-Id": name})
    assert answer.headers["x-request-id"] == name
    assert (await record(name))["request_id"] == name


@pytest.mark.parametrize("given", ["has space", "x" * 65, "semi;colon", 'quo"te', "ünï"])
async def test_an_unfit_request_id_is_replaced(client, owner, given):
    answer = await client.post(CHAT, json=body(), headers=owner.headers | {"X-Request-Id": given.encode()})
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_errors_have_a_request_id_in_header_and_body(client):
    answer = await client.post(CHAT, json=body())
    assert answer.status_code == 401
    assert answer.json()["error"]["metadata"]["request_id"] == answer.headers["x-request-id"]


async def test_the_generation_id_is_that_of_the_answer(client, owner):
    plain, seen = await ask(client, owner), await stream(client, owner)
    assert plain.headers["x-generation-id"] == plain.json()["id"]
    assert re.fullmatch(r"gen-[0-9a-f]{32}", plain.json()["id"])
    assert {chunk["id"] for chunk in seen.chunks} == {seen.headers["x-generation-id"]}


async def test_a_key_without_limits_has_no_ratelimit_headers(client, owner):
    answer = await ask(client, owner)
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_limits_of_a_key_are_told_with_each_answer(client, orm, streamed):
    found = await orm(limited, requests_per_minute=100, tokens_per_minute=50_000)
    for left in (99, 98):
        headers = (await stream(client, found)).headers if streamed else (await ask(client, found)).headers
        if headers["x-ratelimit-remaining-requests"] == "99":
            left = 99  # a new minute has begun in between
        assert headers["x-ratelimit-limit-requests"] == "100"
        assert headers["x-ratelimit-remaining-requests"] == str(left)
        assert headers["x-ratelimit-limit-tokens"] == "50000"
        assert 49_000 < int(headers["x-ratelimit-remaining-tokens"]) <= 50_000
        for kind in ("requests", "tokens"):
            assert re.fullmatch(r"\d+(\.\d+)?s", headers[f"x-ratelimit-reset-{kind}"])


async def test_above_the_limit_it_is_429_with_the_headers(client, orm):
    found = await orm(limited, requests_per_minute=1)
    answers = [await ask(client, found) for _ in range(3)]  # three: a new minute may begin in between, once
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        assert answer.json()["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(answer.headers["retry-after"]) <= 61
        assert answer.headers["x-ratelimit-remaining-requests"] == "0"


async def test_parallel_requests_are_limited_and_freed(client, orm):
    found = await orm(limited, parallel_requests=1)
    async with client.stream(
        "POST", CHAT, json=body("[[tokens=40]] [[delay_ms=50]]", stream=True), headers=found.headers
    ) as running:
        assert running.status_code == 200
        refused = await ask(client, found)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        await running.aread()
    assert (await ask(client, found)).status_code == 200


async def test_the_installations_limits_are_told_and_shared_by_its_workers(web_factory, owner):
    """Two workers: what one counts the other knows within a second."""
    limits = {"XROUTE_KEY_REQUESTS_PER_MINUTE": "1000", "XROUTE_KEY_TOKENS_PER_MINUTE": "50000"}
    first, second = [await asyncio.to_thread(web_factory, **limits) for _ in range(2)]
    async with (
        httpx.AsyncClient(base_url=first.url, trust_env=False, timeout=30) as here,
        httpx.AsyncClient(base_url=second.url, trust_env=False, timeout=30) as there,
    ):
        for _ in range(3):
            assert (await ask(here, owner)).headers["x-ratelimit-limit-requests"] == "1000"
        until = time.monotonic() + 60
        while True:
            headers = (await stream(there, owner)).headers
            assert headers["x-ratelimit-limit-tokens"] == "50000"
            if int(headers["x-ratelimit-remaining-requests"]) <= 1000 - 3 - 2:
                break
            assert time.monotonic() < until
            if int(time.time()) % 60 < 2:
                await ask(here, owner)  # a new minute has begun, and begins with nothing
