"""The OpenAI SDK, unchanged, gets what it expects: answers, streams, tools, models, and usage with its cost."""

import openai
import pytest

HELLO = [{"role": "user", "content": "[[echo]]Grüße an alle, 世界"}]
PLAIN = [{"role": "user", "content": "hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather_get",
        "description": "The weather somewhere",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def cost_usd(usage) -> float:
    return (usage.prompt_tokens * 0.5 + usage.completion_tokens * 1.5) / 1e6


def test_a_plain_answer(sdk, owner):
    raw = sdk(owner).chat.completions.with_raw_response.create(model="sandbox/echo", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Grüße an alle, 世界"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id == raw.headers["x-generation-id"]
    assert answer.id.startswith("gen-")
    assert (answer.model, answer.provider) == ("sandbox/echo", "sandbox")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.cost == pytest.approx(cost_usd(answer.usage))
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0
    assert answer._request_id == raw.headers["x-request-id"]


@pytest.mark.parametrize("path", ["openai/v1", "v1", "api/v1"])
def test_every_prefix(sdk, owner, web, path):
    client = sdk(owner).with_options(base_url=f"{web.url}/{path}")
    assert client.chat.completions.create(model="sandbox/echo", messages=HELLO).choices


def test_a_stream_without_usage(sdk, owner):
    chunks = list(sdk(owner).chat.completions.create(model="sandbox/echo", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Grüße an alle, 世界"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_with_usage(sdk, owner):
    *chunks, last = sdk(owner).chat.completions.create(
        model="sandbox/echo", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert last.choices == []
    assert last.usage.cost == pytest.approx(cost_usd(last.usage))


def test_the_sdks_stream_helper(sdk, owner):
    with sdk(owner).chat.completions.stream(model="sandbox/echo", messages=HELLO) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "Grüße an alle, 世界"


def test_comments_do_not_disturb_it(sdk, owner, web_factory):
    web = web_factory(XROUTE_KEEPALIVE_S="0.2")
    messages = [{"role": "user", "content": "[[first_ms=900]] [[tokens=3]]"}]
    chunks = sdk(owner, web.url).chat.completions.create(model="sandbox/echo", messages=messages, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "sea sun fog "


@pytest.mark.parametrize("stream", [False, True])
def test_a_tools_call_and_its_result(sdk, owner, stream):
    client = sdk(owner)
    messages = [{"role": "user", "content": "weather in Paris?"}]
    asked = {"model": "sandbox/echo", "tools": [TOOL], "messages": messages}
    if stream:
        with client.chat.completions.stream(**asked) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**asked).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.type) == ("weather_get", "function")
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    after = client.chat.completions.create(**asked)
    assert after.choices[0].finish_reason == "stop"
    assert after.choices[0].message.content


def test_images_json_and_several_choices(sdk, owner):
    client = sdk(owner)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    content = [{"type": "text", "text": "what is it?"}, image]
    seen = client.chat.completions.create(model="sandbox/echo", messages=[{"role": "user", "content": content}], n=2)
    assert len(seen.choices) == 2
    assert seen.usage.prompt_tokens > 85
    wanted = {"type": "json_object"}
    found = client.chat.completions.create(model="sandbox/echo", messages=PLAIN, response_format=wanted)
    assert found.choices[0].message.content.startswith("{")


def test_models(sdk, owner):
    client = sdk(owner)
    names = [model.id for model in client.models.list()]
    assert "sandbox/echo" in names
    found = client.models.retrieve("sandbox/echo")
    assert (found.id, found.owned_by, found.object) == ("sandbox/echo", "sandbox", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("sandbox/none")


def test_what_it_repeats(sdk, owner, sandbox):
    """502 and 429 twice; 402, 404 and what may have been billed never."""
    client = sdk(owner, max_retries=2)

    def calls(model: str) -> int:
        before = sandbox.get("/healthz")["served"]
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(model=model, messages=HELLO, max_tokens=5)
        return sandbox.get("/healthz")["served"] - before

    assert calls("sandbox/fault-502") == 3
    assert calls("sandbox/fault-garbage") == 1
    assert calls("sandbox/fault-400") == 1


async def test_the_async_client(owner, web):
    async with openai.AsyncOpenAI(api_key=owner.secret, base_url=f"{web.url}/v1", max_retries=0) as client:
        stream = await client.chat.completions.create(model="sandbox/echo", messages=HELLO, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "Grüße an alle, 世界"
