"""Every error shape as the exception that the OpenAI SDK makes of it."""

from datetime import UTC, datetime, timedelta

import openai
import pytest

from accounts.keys import mint

HELLO = [{"role": "user", "content": "hello"}]
SLOW = [{"role": "user", "content": "[[tokens=200]] [[delay_ms=50]]"}]
KEYS = {"message", "type", "param", "code", "metadata"}


def failing(client: openai.OpenAI, kind: type[openai.APIStatusError], **asked) -> openai.APIStatusError:
    """The error that a call ends in: exactly of this kind, and with all keys of OpenAI's shape."""
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**({"model": "sandbox/echo", "messages": HELLO, "max_tokens": 10} | asked))
    error = caught.value
    assert type(error) is kind
    assert set(error.body) == KEYS
    assert error.code is None or isinstance(error.code, str)
    assert error.body["metadata"]["request_id"] == error.request_id
    assert error.body["metadata"]["error_type"]
    return error


@pytest.mark.parametrize(
    "key",
    ["sk-not-ours", "xr-v1-tooshort", "$XROUTE_API_KEY", mint(), mint()[:-1] + "~"],
    ids=["foreign", "short", "unreplaced", "unknown", "damaged"],
)
def test_401_a_key_that_is_none(sdk, key):
    error = failing(sdk(key), openai.AuthenticationError)
    assert (error.status_code, error.type, error.code) == (401, "authentication_error", "invalid_api_key")
    assert "xr-v1-" not in key or key not in str(error)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"revoked_at": datetime.now(UTC)}, "key_revoked"),
        ({"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, "key_expired"),
        ({"disabled": True}, "key_disabled"),
    ],
)
def test_401_a_key_that_is_over(sdk, make_limited, values, code):
    assert failing(sdk(make_limited(**values)), openai.AuthenticationError).code == code


def test_402_without_credit(sdk, broke):
    error = failing(sdk(broke), openai.APIStatusError)
    assert (error.status_code, error.type, error.code) == (402, "insufficient_quota", "insufficient_credits")
    assert error.body["metadata"]["affordable_max_tokens"] == 0


def test_402_says_what_is_affordable_and_means_it(sdk, make_limited):
    client = sdk(make_limited(credit=1_000_000))
    error = failing(client, openai.APIStatusError, max_tokens=100_000)
    assert error.status_code == 402
    affordable = error.body["metadata"]["affordable_max_tokens"]
    assert 100 < affordable < 700
    assert str(affordable) in error.message
    assert client.chat.completions.create(model="sandbox/echo", messages=HELLO, max_tokens=affordable).usage


def test_402_the_keys_own_limit(sdk, make_limited):
    error = failing(sdk(make_limited(limit_nanousd=1000)), openai.APIStatusError)
    assert (error.status_code, error.type, error.code) == (402, "insufficient_quota", "key_limit_reached")


def test_403_a_model_the_key_may_not_use(sdk, make_limited):
    client = sdk(make_limited(allowed_models=["sandbox/three"]))
    error = failing(client, openai.PermissionDeniedError)
    assert (error.type, error.code, error.param) == ("permission_error", "model_not_allowed", "model")
    assert "sandbox/three" in error.message
    assert client.chat.completions.create(model="sandbox/three", messages=HELLO).usage


def test_403_an_address_the_key_may_not_come_from(sdk, make_limited):
    error = failing(sdk(make_limited(allowed_cidrs=["203.0.113.0/24"])), openai.PermissionDeniedError)
    assert error.code == "ip_not_allowed"
    assert sdk(make_limited(allowed_cidrs=["127.0.0.0/8"])).chat.completions.create(
        model="sandbox/echo", messages=HELLO
    )


def test_404_an_unknown_model_with_near_names(sdk, owner):
    error = failing(sdk(owner), openai.NotFoundError, model="sandbox/ecko")
    assert (error.type, error.code, error.param) == ("invalid_request_error", "model_not_found", "model")
    assert "sandbox/echo" in error.message


def test_404_no_endpoint_that_fits(sdk, owner):
    error = failing(sdk(owner), openai.NotFoundError, extra_body={"provider": {"only": ["nobody"]}})
    assert error.code == "no_endpoints"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 1000}, "n"),
        ({"model": ""}, "model"),
        ({"extra_body": {"stream_options": 5}}, "stream_options"),
    ],
)
def test_400_names_the_field(sdk, owner, asked, param):
    error = failing(sdk(owner), openai.BadRequestError, **asked)
    assert (error.type, error.param) == ("invalid_request_error", param)


def test_400_too_long_a_prompt(sdk, owner):
    error = failing(sdk(owner), openai.BadRequestError, messages=[{"role": "user", "content": "word " * 2_500_000}])
    assert error.code == "context_length_exceeded"


def test_413_and_415(sdk, owner, web_factory):
    web = web_factory(XROUTE_BODY_BYTES_MAX="2000")
    large = failing(sdk(owner, web.url), openai.APIStatusError, messages=[{"role": "user", "content": "x" * 3000}])
    assert (large.status_code, large.type, large.code) == (413, "invalid_request_error", "request_too_large")
    compressed = failing(sdk(owner), openai.APIStatusError, extra_headers={"Content-Encoding": "gzip"})
    assert (compressed.status_code, compressed.type) == (415, "invalid_request_error")


def test_429_ours_and_theirs(sdk, owner, make_limited):
    limited = sdk(make_limited(parallel_requests=1))
    with limited.chat.completions.create(model="sandbox/echo", messages=SLOW, stream=True) as running:
        next(iter(running))
        ours = failing(limited, openai.RateLimitError)
    theirs = failing(sdk(owner), openai.RateLimitError, model="sandbox/fault-429")
    assert (ours.type, ours.code) == ("rate_limit_error", "rate_limit_exceeded")
    assert (theirs.type, theirs.code) == ("rate_limit_error", "upstream_rate_limited")
    assert theirs.body["metadata"]["provider_name"] == "sandbox"
    for error in (ours, theirs):
        assert int(error.response.headers["retry-after"]) >= 1


def test_429_credit_held_by_other_requests(sdk, make_limited):
    client = sdk(make_limited(credit=2_000_000))
    with client.chat.completions.create(model="sandbox/echo", messages=SLOW, stream=True) as running:
        next(iter(running))
        error = failing(client, openai.RateLimitError, max_tokens=1200)
    assert error.code == "credits_in_flight"
    assert error.response.headers["retry-after"] == "1"


@pytest.mark.parametrize(("fault", "status", "code"), [("500", 502, "provider_error"), ("503", 503, "overloaded")])
def test_5xx_every_endpoint_failed(sdk, owner, fault, status, code):
    error = failing(sdk(owner), openai.InternalServerError, model=f"sandbox/fault-{fault}")
    assert (error.status_code, error.type, error.code) == (status, "api_error", code)
    assert error.body["metadata"]["attempts"][0]["provider"] == "sandbox"


def test_504_too_slow(sdk, owner, web_factory):
    web = web_factory(XROUTE_TOTAL_TIMEOUT_S="1")
    error = failing(sdk(owner, web.url, max_retries=2), openai.InternalServerError, model="sandbox/fault-silence")
    assert (error.status_code, error.code) == (504, "provider_timeout")
