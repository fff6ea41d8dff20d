import base64
import contextlib

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from routing.parse import Bounds, chat_request
from routing.types import Preferences
from tests.routing.facts import MESSAGES, chat
from xroute.lib.errors import ApiError


def refused(raw: bytes | None = None, **fields) -> ApiError:
    body = raw if raw is not None else orjson.dumps({"model": "a/b", "messages": MESSAGES, **fields})
    with pytest.raises(ApiError) as caught:
        chat_request(body)
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")
    return caught.value


def said(*parts, **message) -> dict:
    return {"messages": [{"role": "user", "content": list(parts), **message}]}


def test_the_least_there_can_be():
    request = chat_request(b'{"model":"a/b","messages":[{"role":"user","content":"Hello"}]}')
    assert (request.model, request.stream, request.include_usage) == ("a/b", False, False)
    assert (request.max_tokens, request.limit_field, request.n, request.images) == (None, "max_tokens", 1, 0)
    assert (request.needs, request.preferences) == (frozenset(), Preferences())


def test_what_is_not_known_passes_through_untouched():
    fields = {"temperature": 5, "some_new_thing": {"deep": [1, None, "x"]}, "seed": 1.5, "user": "u"}
    body = chat(**fields).body
    assert {key: body[key] for key in fields} == fields


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b"null", b'"x"', b'{"a":NaN}', b'{"model":"\xff"}', b'{"a":"\\ud800"}']
)
def test_what_is_no_json_object(raw):
    assert "JSON" in refused(raw).message


@pytest.mark.parametrize("depth", [250, 300, 2000, 100_000])
@pytest.mark.parametrize("around", [b"[]", (b'{"a":', b"}")])
def test_nesting_is_bounded(depth, around):
    opening, closing = (b"[", b"]") if around == b"[]" else around
    nested = opening * depth + b"1" + closing * depth
    error = refused(b'{"model":"a/b","messages":[{"role":"user","content":"x"}],"metadata":' + nested + b"}")
    assert "nested" in error.message


def test_what_passes_can_be_written_again():
    for depth in (1, 100, 249):
        raw = (
            b'{"model":"a","messages":[{"role":"user","content":"x"}],"metadata":' + b"[" * depth + b"]" * depth + b"}"
        )
        assert orjson.dumps(dict(chat_request(raw).body))


@pytest.mark.parametrize("model", [None, "", "  ", 5, ["a"], "x" * 201, ":floor"])
def test_the_model_must_be_named(model):
    assert refused(model=model).param == "model"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ("Hello", "messages"),
        ([{"role": "user", "content": "x"}] * 10_001, "messages"),
        (["Hello"], "messages[0]"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": "x"}, {"role": "robot", "content": "x"}], "messages[1].role"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        ([{"role": "user", "content": {"type": "text"}}], "messages[0].content"),
        ([{"role": "user", "content": [5]}], "messages[0].content[0]"),
    ],
)
def test_messages_are_checked(messages, param):
    assert refused(messages=messages).param == param


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
def test_every_role(role):
    assert chat(messages=[{"role": role, "content": "x"}])


def test_an_assistant_may_have_called_tools_without_words():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    request = chat(messages=[*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [call]}])
    assert request.prompt_tokens_max > len(orjson.dumps(call))


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5, "10", [1], 2**31])
def test_limits_are_whole_positive_numbers(name, value):
    assert refused(**{name: value}).param == name


def test_the_callers_limit_and_its_name():
    assert (chat(max_tokens=5).max_tokens, chat(max_tokens=5).limit_field) == (5, "max_tokens")
    new = chat(max_completion_tokens=6, max_tokens=None)
    assert (new.max_tokens, new.limit_field) == (6, "max_completion_tokens")
    both = chat(max_completion_tokens=7, max_tokens=7)
    assert (both.max_tokens, both.limit_field) == (7, "max_completion_tokens")
    assert refused(max_tokens=1, max_completion_tokens=2).param == "max_tokens"


def test_choices():
    assert chat(n=128).n == 128
    assert chat(n=None).n == 1
    assert refused(n=129).param == "n"


def test_streaming():
    assert chat(stream=True).stream
    assert not chat(stream=None).stream
    assert refused(stream="yes").param == "stream"
    assert chat(stream=True, stream_options={"include_usage": True}).include_usage
    assert not chat(stream=True, stream_options={"include_usage": 1}).include_usage
    assert not chat(stream=True, stream_options=None).include_usage
    assert refused(stream_options=[1]).param == "stream_options"
    assert chat(stream=True, usage={"include": True}).include_usage


@pytest.mark.parametrize(
    "key",
    ["api_key", "api_base", "base_url", "api_version", "extra_headers", "extra_body", "extra_query", "headers",
     "timeout", "custom_llm_provider", "credentials", "litellm_params", "aws_access_key_id", "vertex_project",
     "azure_ad_token", "organization", "fallbacks", "mock_response"],
)  # fmt: skip
def test_nothing_says_where_or_as_whom_to_connect(key):
    error = refused(**{key: "x"})
    assert (error.code, error.param) == ("unsupported_parameter", key)
    deep = refused(unknown=[{"more": {key: "x"}}])
    assert (deep.code, deep.param) == ("unsupported_parameter", f"unknown.0.more.{key}")


def test_such_words_are_data_inside_messages_tools_and_metadata():
    schema = {"type": "object", "properties": {"url": {}, "headers": {}, "timeout": {}}}
    request = chat(
        tools=[{"type": "function", "function": {"name": "fetch", "parameters": schema}}],
        response_format={"type": "json_schema", "json_schema": {"schema": schema}},
        metadata={"api_base": "mine"},
    )
    assert request.body["metadata"] == {"api_base": "mine"}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"tools": [{"type": "function"}]}, {"tools"}),
        ({"functions": [{"name": "f"}]}, {"tools"}),
        ({"tools": [], "functions": None, "logprobs": False, "reasoning_effort": None}, set()),
        ({"response_format": {"type": "json_object"}}, {"json_mode"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"response_format": {"type": ["x"]}}, set()),
        ({"logprobs": True, "top_logprobs": 0}, {"logprobs"}),
        ({"reasoning_effort": "low"}, {"reasoning"}),
        ({"modalities": ["text", "audio"]}, {"audio_output"}),
        ({"web_search_options": {}}, {"web_search"}),
        ({"prediction": {"type": "content"}}, {"prediction"}),
        (said({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}), {"vision"}),
        (said({"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}), {"audio"}),
        (said({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}), {"file"}),
        (said({"type": "video_url", "video_url": {"url": "https://x.test"}}), {"video"}),
    ],
)
def test_needs(fields, needs):
    assert chat(**fields).needs == needs


def test_pictures_are_bounded_each_and_their_base64_is_no_text():
    big = "data:image/png;base64," + "A" * 1_000_000
    images = [{"type": "image_url", "image_url": {"url": big, "detail": detail}} for detail in ("low", "high")]
    request = chat(**said({"type": "text", "text": "Which?"}, *images))
    assert request.images == 2
    assert 6000 < request.prompt_tokens_max < 6200
    assert 850 <= request.prompt_tokens_expected < 870
    odd = chat(**said({"type": "image_url", "image_url": big}, {"type": "image_url"}))
    assert odd.prompt_tokens_max < 6200


def test_files_and_sound_are_bounded_by_their_bytes():
    data = base64.b64encode(b"x" * 30_000).decode()
    file = chat(**said({"type": "file", "file": {"file_data": data}}))
    assert 30_000 < file.prompt_tokens_max < 30_200
    sound = chat(**said({"type": "input_audio", "input_audio": {"data": data}}))
    assert 30_000 // 16 < sound.prompt_tokens_max < 30_000 // 16 + 200
    far = chat(**said({"type": "file", "file": {"file_data": "https://x.test/book.pdf"}}))
    assert far.prompt_tokens_max > 100_000


def test_files_kept_at_a_provider_are_refused():
    assert refused(**said({"type": "file", "file": {"file_id": "file-1"}})).code == "unsupported_parameter"


def test_bounds_can_be_set():
    body = orjson.dumps({"model": "a", **said({"type": "image_url", "image_url": {"url": "x"}})})
    assert chat_request(body, Bounds(image_max=50_000)).prompt_tokens_max > 50_000


def test_choices_do_not_multiply_the_prompt():
    assert chat(n=5).prompt_tokens_max == chat().prompt_tokens_max


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), TEXT, st.booleans()), min_size=1), TEXT)
def test_the_bound_is_above_the_bytes_and_the_guess_below_the_bound(messages, tool):
    bodies = [
        {"role": role, "content": [{"type": "text", "text": text}] if parts else text} for role, text, parts in messages
    ]
    request = chat(messages=bodies, tools=[{"type": "function", "function": {"name": tool}}])
    size = sum(len(text.encode()) for _, text, _ in messages) + len(tool.encode())
    assert size < request.prompt_tokens_max
    assert size / 4 <= request.prompt_tokens_expected <= request.prompt_tokens_max


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
KEYS = st.sampled_from(
    ["model", "messages", "provider", "stream", "stream_options", "n", "max_tokens", "tools", "response_format",
     "models", "usage", "modalities", "other"]
)  # fmt: skip
PART = st.dictionaries(st.sampled_from(["type", "text", "image_url", "input_audio", "file"]), JSON) | JSON
MESSAGE = st.fixed_dictionaries({"role": st.just("user"), "content": st.lists(PART, max_size=3) | JSON})


@settings(max_examples=300)
@given(st.dictionaries(KEYS, JSON), st.none() | st.lists(MESSAGE, min_size=1, max_size=3))
def test_any_json_is_parsed_or_refused(body, messages):
    body = {"model": "a/b", **body} | ({"messages": messages} if messages else {})
    with contextlib.suppress(ApiError):
        chat_request(orjson.dumps(body))
