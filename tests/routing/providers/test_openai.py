import contextlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import given, strategies as st

from billing.pricing import Usage
from routing.errors import UpstreamError
from routing.providers import adapter, openai
from routing.types import Credential
from tests.routing.facts import chat, endpoint

KEY = Credential("id", "the-secret")


def sent(request, *, max_tokens=None, **options) -> dict:
    made = openai.request_out(endpoint(**options), KEY, request, max_tokens=max_tokens, request_id="req-1")
    return orjson.loads(made.body)


def usage(**fields) -> dict:
    return {"prompt_tokens": 10, "completion_tokens": 5, **fields}


def answer(**fields) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hé"}, "finish_reason": "stop"}
    return orjson.dumps({"id": "chatcmpl-1", "choices": [choice], "usage": usage(), **fields})


def chunk(delta=None, *, finish=None, **fields) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return orjson.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **fields})


def raised(function, *arguments) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        function(*arguments)
    return caught.value


def test_it_is_registered():
    assert adapter("openai") is openai
    with pytest.raises(KeyError):
        adapter("nothing")


# request out


def test_where_and_as_whom():
    made = openai.request_out(endpoint(), KEY, chat(), max_tokens=None, request_id="req-1")
    assert made.url == "https://one.test/v1/chat/completions"
    assert made.headers == {
        "Authorization": "Bearer the-secret",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "xroute",
        "X-Request-Id": "req-1",
    }
    bare = openai.request_out(endpoint(), None, chat(stream=True), max_tokens=None, request_id="r")
    assert "Authorization" not in bare.headers
    assert bare.headers["Accept"] == "text/event-stream"


def test_the_body_passes_but_for_what_routing_decides():
    request = chat(temperature=0.5, new_thing={"a": 1}, provider={"order": ["x"]}, models=[], route="fallback",
                   transforms=["middle-out"], usage={"include": True}, stream=False, stream_options={})  # fmt: skip
    assert sent(request) == {
        "model": "upstream-model",
        "messages": request.body["messages"],
        "temperature": 0.5,
        "new_thing": {"a": 1},
    }
    assert request.body["route"] == "fallback"  # the caller's body is kept for the next attempt


def test_a_stream_always_asks_for_usage():
    body = sent(chat(stream=True, stream_options={"include_usage": False, "include_obfuscation": False}))
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert "stream_options" not in sent(chat(stream=True), quirks=["no_stream_options"])


@pytest.mark.parametrize(
    ("fields", "ours", "quirks", "out"),
    [
        ({}, None, [], {}),
        ({}, 9, [], {"max_tokens": 9}),
        ({}, 9, ["max_completion_tokens"], {"max_completion_tokens": 9}),
        ({"max_tokens": 5}, None, [], {"max_tokens": 5}),
        ({"max_tokens": 5}, 4, [], {"max_tokens": 4}),
        ({"max_completion_tokens": 5}, 4, [], {"max_completion_tokens": 4}),
        ({"max_tokens": 5}, None, ["max_completion_tokens"], {"max_completion_tokens": 5}),
        ({"max_completion_tokens": 5}, None, ["max_tokens"], {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "max_tokens": 5}, None, ["max_tokens"], {"max_tokens": 5}),
    ],
)
def test_the_limit_goes_under_the_name_the_provider_knows(fields, ours, quirks, out):
    body = sent(chat(**fields), max_tokens=ours, quirks=quirks)
    assert {key: body[key] for key in body if key.startswith("max_")} == out


# usage in


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (usage(), Usage(10, 5)),
        (usage(total_tokens=15, prompt_tokens_details=None, completion_tokens_details=None), Usage(10, 5)),
        (
            usage(
                prompt_tokens_details={"cached_tokens": 4, "cache_write_tokens": 2},
                completion_tokens_details={"reasoning_tokens": 3},
            ),
            Usage(10, 5, 4, 2, 3),
        ),
        (usage(prompt_cache_hit_tokens=4, prompt_cache_miss_tokens=6), Usage(10, 5, 4)),
        (usage(prompt_tokens_details={"cached_tokens": "4"}, completion_tokens_details=[]), Usage(10, 5)),
        (usage(prompt_tokens_details={"cached_tokens": 99}), Usage(10, 5, 10)),
        (usage(completion_tokens_details={"reasoning_tokens": 7}, total_tokens=22), Usage(10, 12, 0, 0, 7)),
        (usage(completion_tokens_details={"reasoning_tokens": 5}, total_tokens=15), Usage(10, 5, 0, 0, 5)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
    ],
)
def test_usage_is_normalised(raw, expected):
    assert openai.usage_in(raw) == expected


@pytest.mark.parametrize("bad", [None, -1, "5", 5.0, True, 2**31 + 1, [5]])
def test_unusable_usage_is_none(bad):
    assert openai.usage_in(usage(prompt_tokens=bad)) is None
    assert openai.usage_in(usage(completion_tokens=bad)) is None


@pytest.mark.parametrize("raw", [None, 5, "x", [], {}, {"prompt_tokens": 5}, {"total_tokens": 5}])
def test_missing_usage_is_none(raw):
    assert openai.usage_in(raw) is None


# response in


def test_an_answer():
    got = openai.response_in(answer())
    assert (got.usage, got.upstream_id, got.finish_reason, got.output_bytes) == (Usage(10, 5), "chatcmpl-1", "stop", 3)
    assert "usage" not in got.body


def test_an_answer_of_nothing_is_legal():
    got = openai.response_in(answer(choices=[], usage=usage(completion_tokens=0)))
    assert (got.finish_reason, got.output_bytes, got.usage) == (None, 0, Usage(10, 0))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices":{}}', b'{"choices":["x"]}', b'{"choices":null}']
)
def test_what_is_no_answer(body):
    error = raised(openai.response_in, body)
    assert (error.kind, error.may_be_billed) == ("server", True)


@pytest.mark.parametrize("inside", [{"message": "no sk-abcdefgh"}, "no sk-abcdefgh"])
def test_an_error_inside_a_200(inside):
    error = raised(openai.response_in, orjson.dumps({"error": inside}))
    assert (error.kind, error.message, error.may_be_billed) == ("in_band", "no [hidden]", False)


def test_a_finish_reason_error_is_one():
    choices = [{"index": 0, "message": {"content": "half"}, "finish_reason": "error"}]
    error = raised(openai.response_in, answer(choices=choices))
    assert (error.kind, error.may_be_billed) == ("in_band", True)


def test_everything_said_is_counted():
    message = {
        "content": "ab",
        "refusal": "c",
        "reasoning": "same",
        "reasoning_content": "same",
        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}, {"function": None}, None],
        "function_call": {"name": "g", "arguments": "[]"},
        "audio": {"transcript": "é"},
    }
    assert openai.response_in(answer(choices=[{"message": message}])).output_bytes == 2 + 1 + 4 + 3 + 3 + 2


# stream events in


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE] "])
def test_done(data):
    assert openai.event_in(data).done


def test_a_chunk():
    got = openai.event_in(chunk({"content": "é"}, error=None, usage=None))
    assert (got.output_bytes, got.finished, got.usage, got.upstream_id, got.done) == (2, {}, None, "chatcmpl-1", False)
    assert set(got.body) == {"id", "object", "choices"}


def test_the_chunk_that_finishes():
    choices = [{"index": 1, "delta": {}, "finish_reason": "stop"}, {"index": 0, "delta": {}, "finish_reason": None}]
    assert openai.event_in(chunk(choices=choices)).finished == {1: "stop"}
    assert openai.event_in(chunk(finish="length", usage=usage())).usage == Usage(10, 5)
    assert openai.event_in(orjson.dumps({"choices": [{"finish_reason": "stop"}]})).finished == {0: "stop"}


@pytest.mark.parametrize("finish", ["", None, 5, False])
def test_what_is_no_finish_reason(finish):
    assert openai.event_in(chunk(finish=finish)).finished == {}


def test_a_chunk_of_usage_alone_is_not_relayed():
    got = openai.event_in(chunk(choices=[], usage=usage(), created=1, model="m", system_fingerprint="f"))
    assert (got.body, got.usage) == (None, Usage(10, 5))
    filtered = openai.event_in(chunk(choices=[], prompt_filter_results=[{}]))
    assert filtered.body is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"x_groq": {"id": "req", "usage": usage()}},
        {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop", "usage": usage()}]},
        {"usage": usage()},
    ],
)
def test_usage_is_taken_from_wherever_it_stands(fields):
    got = openai.event_in(chunk({"content": "x"}, finish="stop", **fields))
    assert got.usage == Usage(10, 5)
    assert b"usage" not in orjson.dumps(got.body)


@pytest.mark.parametrize("data", [b"", b"{", b"5", b"null", b'"x"', b'{"choices":[5]}'])
def test_what_is_no_chunk(data):
    assert raised(openai.event_in, data).kind == "server"


@pytest.mark.parametrize("data", [b'{"error":{"message":"m"}}', b'{"error":"m"}', chunk(finish="error")])
def test_an_error_in_the_stream(data):
    assert raised(openai.event_in, data).kind == "in_band"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["index", "delta", "content", "finish_reason", "usage", "tool_calls"]), inner)
    ),
)


@given(st.dictionaries(st.sampled_from(["id", "choices", "usage", "error", "x_groq", "model"]), JSON))
def test_any_json_is_a_chunk_or_an_upstream_error(body):
    data = orjson.dumps(body)
    for function in (openai.event_in, openai.response_in):
        with contextlib.suppress(UpstreamError):
            function(data)


DEEP = b"[" * 500 + b"]" * 500


@pytest.mark.parametrize("data", [b'{"choices":[{"delta":{"content":%s}}]}', b'{"choices":[],"new":%s}'])
def test_what_is_too_deep_to_be_passed_on(data):
    for function in (openai.event_in, openai.response_in):
        assert raised(function, data % DEEP).kind == "server"
    assert openai.error_in(400, {}, b'{"message":%s}' % DEEP).message == "The provider answered with status 400."


# error in


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"), (413, "invalid_request"), (422, "invalid_request"), (451, "invalid_request"),
        (401, "credential"), (402, "credential"), (403, "credential"), (404, "not_found"), (405, "not_found"),
        (408, "timeout"), (504, "timeout"), (524, "timeout"), (429, "rate_limited"), (503, "overloaded"),
        (529, "overloaded"), (500, "server"), (502, "server"), (520, "server"), (301, "server"), (308, "server"),
        (204, "server"),
    ],
)  # fmt: skip
def test_the_status_decides(status, kind):
    liar = b'{"error":{"message":"maximum context length","code":"invalid_api_key"}}'
    error = openai.error_in(status, {}, b"" if kind == "invalid_request" else liar)
    assert (error.kind, error.status) == (kind, status)
    assert error.may_be_billed is (status in (504, 524))
    assert error.message
    if kind != "invalid_request":
        assert (error.code, error.param) == (None, None)


def test_the_callers_fault_is_passed_on():
    body = b'{"error":{"message":"Bad temperature","type":"x","param":"temperature","code":"invalid_value"}}'
    error = openai.error_in(400, {}, body)
    assert (error.message, error.param, error.code) == ("Bad temperature", "temperature", "invalid_value")


@pytest.mark.parametrize(
    "error",
    [
        {"message": "x", "code": "context_length_exceeded"},
        {"message": "This model's maximum context length is 8192 tokens."},
        {"message": "prompt is too long: 9 tokens > 8 maximum"},
        {"message": "The input exceeds the context window."},
    ],
)
def test_too_long_a_prompt(error):
    got = openai.error_in(400, {}, orjson.dumps({"error": error}))
    assert (got.kind, got.code) == ("context_length", "context_length_exceeded")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"plain"}', "plain"),
        (b'{"message":"top"}', "top"),
        (b'{"detail":"fast"}', "fast"),
        (b'{"detail":[{"msg":"field required"}]}', '[{"msg":"field required"}]'),
        (b'[{"error":{"message":"listed"}}]', "listed"),
        (b"<html>Bad Gateway</html>", "The provider answered with status 400."),
        (b"", "The provider answered with status 400."),
        (b'{"error":{"message":5}}', "The provider answered with status 400."),
        (b'{"error":["x"]}', "The provider answered with status 400."),
    ],
)
def test_the_shapes_of_errors(body, message):
    assert openai.error_in(400, {}, body).message == message


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_what_is_between_us_and_the_provider_stays_there(status):
    body = b'{"error":{"message":"Org acme of key xyz owes $5","code":"billing"}}'
    error = openai.error_in(status, {}, body)
    assert "acme" not in error.message
    assert error.code is None


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abcdef123456", "sk-ab***yz", "Bearer abc.def", "gsk_0123456789abcdef", "AIzaSyA1234567890abcdefg",
     "org-abcdefgh1234", "0123456789abcdef0123456789abcdef", "xr-v1-abcdefABCDEF123", "QUJD" * 16 + "+/=="],
)  # fmt: skip
def test_credentials_are_hidden(secret):
    body = orjson.dumps({"error": {"message": f"Rejected ({secret}) sorry"}})
    message = openai.error_in(400, {}, body).message
    assert "[hidden]" in message
    assert message.startswith("Rejected (")
    assert secret[4:] not in message


@pytest.mark.parametrize(
    "text",
    ["The model Qwen/Qwen3-235B-A22B-Instruct is gone", "max_completion_tokens is too large: 99999", "数" * 400,
     "messages[3].content[0].image_url.detail must be low"],
)  # fmt: skip
def test_ordinary_text_is_left_alone(text):
    assert openai.error_in(400, {}, orjson.dumps({"error": {"message": text}})).message == text


@given(st.text())
def test_messages_are_bounded_and_on_one_line(text):
    message = openai.error_in(400, {}, orjson.dumps({"error": {"message": text * 50}})).message
    assert 0 < len(message) <= 500
    assert not any(ord(letter) < 32 for letter in message)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0),
    ],
)
def test_retry_after(headers, seconds):
    assert openai.error_in(429, headers, b"").retry_after_s == seconds


def test_retry_after_a_date_without_the_servers_own():
    headers = {"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)}
    assert 15 < openai.error_in(429, headers, b"").retry_after_s <= 20
