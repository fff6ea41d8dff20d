"""What an ordinary answer looks like, plain and streamed, by the openai SDK's own models."""

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from xroute.embedded.provider.tokens import tokens_of

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city", "days", "unit"],
}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("weather", "forecast")]


def said(chunks: list[dict], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def test_a_plain_answer(served):
    answer = served.ask("Where is the sea?", model="sandbox/echo")
    found = ChatCompletion.model_validate(answer.json(), strict=True)
    assert found.model == "sandbox/echo"
    assert found.id.startswith("chatcmpl-")
    assert "sandbox" in found.choices[0].message.content
    assert "Where is the sea?" in found.choices[0].message.content
    assert found.choices[0].finish_reason == "stop"
    assert found.usage.prompt_tokens == 4 + tokens_of("Where is the sea?")
    assert found.usage.completion_tokens == tokens_of(found.choices[0].message.content)
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    assert answer.headers["x-request-id"].startswith("req_")


def test_ids_are_unique(served):
    assert len({served.ask().json()["id"] for _ in range(50)}) == 50


def test_a_stream_in_its_order(served):
    chunks = served.chunks("tell me", stream_options={"include_usage": True})
    found = [ChatCompletionChunk.model_validate(chunk, strict=True) for chunk in chunks]
    assert found[0].choices[0].delta.role == "assistant"
    assert found[0].choices[0].delta.content == ""
    assert found[-2].choices[0].finish_reason == "stop"
    assert chunks[-2]["choices"][0]["delta"] == {}
    assert chunks[-1]["choices"] == []
    assert found[-1].usage.completion_tokens == tokens_of(said(chunks))
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1


def test_no_usage_unless_asked(served):
    assert all("usage" not in chunk and chunk["choices"] for chunk in served.chunks())


def test_plain_and_stream_say_and_count_the_same(served):
    plain = served.ask("the same").json()
    chunks = served.chunks("the same", stream_options={"include_usage": True})
    assert said(chunks) == plain["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == plain["usage"]


def test_exactly_so_many_tokens_one_a_chunk(served):
    chunks = served.chunks("[[tokens=37]] go", stream_options={"include_usage": True})
    assert chunks[-1]["usage"]["completion_tokens"] == 37
    assert len(chunks) == 1 + 37 + 1 + 1


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_cap(served, name):
    for found in (served.ask("[[tokens=9]]", **{name: 5}), served.ask("[[echo]] " + "é" * 40, **{name: 5})):
        assert found.json()["choices"][0]["finish_reason"] == "length"
        assert found.json()["usage"]["completion_tokens"] == 5
    chunks = served.chunks("[[tokens=9]]", **{name: 5})
    assert len(chunks) == 1 + 5 + 1
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert served.ask("[[tokens=5]]", **{name: 5}).json()["choices"][0]["finish_reason"] == "stop"


def test_choices_interleave(served):
    chunks = served.chunks("three", n=3, stream_options={"include_usage": True})
    assert [chunk["choices"][0]["index"] for chunk in chunks[:6]] == [0, 1, 2, 0, 1, 2]
    assert said(chunks, 0) == said(chunks, 2) != ""
    plain = served.ask("three", n=3).json()
    assert [choice["index"] for choice in plain["choices"]] == [0, 1, 2]
    assert plain["usage"] == chunks[-1]["usage"]
    assert plain["usage"]["completion_tokens"] == 3 * tokens_of(said(chunks))


def test_cached_and_reasoning_tokens(served):
    found = served.ask("[[cached=3]][[reasoning=5]][[tokens=2]] go").json()
    assert found["usage"]["prompt_tokens_details"]["cached_tokens"] == 3
    assert found["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    assert found["usage"]["completion_tokens"] == 7
    row = served.row(found["id"])
    assert (row["cached_tokens"], row["reasoning_tokens"], row["completion_tokens"]) == (3, 5, 7)
    assert served.ask(model="x/reasoner").json()["usage"]["completion_tokens_details"]["reasoning_tokens"] == 16


def test_images_count(served):
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    assert served.ask(parts).json()["usage"]["prompt_tokens"] == 4 + 1 + 85


def test_one_tool_is_called(served):
    found = ChatCompletion.model_validate(served.ask(tools=TOOLS).json(), strict=True).choices[0]
    assert found.finish_reason == "tool_calls"
    assert found.message.content is None
    (call,) = found.message.tool_calls
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "sample", "days": 1, "unit": "C"}


def test_tools_in_parallel_streamed(served):
    chunks = served.chunks("in parallel", tools=TOOLS, stream_options={"include_usage": True})
    calls: dict[int, dict] = {}
    for chunk in chunks:
        found = ChatCompletionChunk.model_validate(chunk, strict=True)
        for call in (found.choices and found.choices[0].delta.tool_calls) or ():
            known = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
            known["arguments"] += call.function.arguments
    assert [call["name"] for call in calls.values()] == ["weather", "forecast"]
    assert all(json.loads(call["arguments"])["unit"] == "C" for call in calls.values())
    assert len({call["id"] for call in calls.values()}) == 2
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"] == served.ask("in parallel", tools=TOOLS).json()["usage"]


def test_tools_when_they_are_not_called(served):
    assert served.ask(tools=TOOLS, tool_choice="none").json()["choices"][0]["finish_reason"] == "stop"
    named = {"type": "function", "function": {"name": "forecast"}}
    message = served.ask(tools=TOOLS, tool_choice=named).json()["choices"][0]["message"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["forecast"]
    told = [
        {"role": "user", "content": "weather?"},
        message,
        {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "rain"},
    ]
    found = served.client.post("/v1/chat/completions", json={"model": "echo", "messages": told, "tools": TOOLS})
    assert found.json()["choices"][0]["finish_reason"] == "stop"


def test_json_when_asked(served):
    found = served.ask(response_format={"type": "json_object"}).json()
    assert json.loads(found["choices"][0]["message"]["content"])["sandbox"] is True
    wanted = {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA}}
    chunks = served.chunks(response_format=wanted)
    assert json.loads(said(chunks)) == {"city": "sample", "days": 1, "unit": "C"}


def test_models(served):
    for prefix in ("", "/b", "/c"):
        found = served.client.get(f"{prefix}/v1/models").json()
        assert found["object"] == "list"
        assert {"id", "object", "created", "owned_by"} == set(found["data"][0])
