"""What OpenAI would refuse, and what this server refuses by itself."""

import httpx
import openai
import pytest

from tests.embedded.provider.conftest import start

MESSAGES = [{"role": "user", "content": "hi"}]
NAMED = {"type": "function", "function": {"name": "f"}}
BODIES = [
    ({"messages": MESSAGES}, "model"),
    ({"model": "m"}, "messages"),
    ({"model": 7, "messages": MESSAGES}, "model"),
    ({"model": "m", "messages": "hi"}, "messages"),
    ({"model": "m", "messages": ["hi"]}, "messages[0]"),
    ({"model": "m", "messages": [{"role": "king", "content": "hi"}]}, "messages[0].role"),
    ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content"),
    ({"model": "m", "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    ({"model": "m", "messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0].type"),
    ({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"model": "m", "messages": MESSAGES, "n": 0}, "n"),
    ({"model": "m", "messages": MESSAGES, "max_tokens": "9"}, "max_tokens"),
    ({"model": "m", "messages": MESSAGES, "max_completion_tokens": 0}, "max_completion_tokens"),
    ({"model": "m", "messages": MESSAGES, "temperature": 2.5}, "temperature"),
    ({"model": "m", "messages": MESSAGES, "stream": "yes"}, "stream"),
    ({"model": "m", "messages": MESSAGES, "stream_options": {"include_usage": True}}, "stream_options"),
    ({"model": "m", "messages": MESSAGES, "tools": []}, "tools"),
    ({"model": "m", "messages": MESSAGES, "tools": [{"type": "function"}]}, "tools[0].function.name"),
    ({"model": "m", "messages": MESSAGES, "tool_choice": NAMED}, "tool_choice"),
    ({"model": "m", "messages": MESSAGES, "response_format": {"type": "xml"}}, "response_format.type"),
    ({"model": "m", "messages": MESSAGES, "response_format": {"type": "json_schema"}}, "response_format.json_schema"),
]


@pytest.mark.parametrize(("body", "param"), BODIES, ids=[f"{i}-{param}" for i, (_, param) in enumerate(BODIES)])
def test_wrong_bodies(served, body, param):
    answer = served.client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b'{"model": "\xff"}'])
def test_no_json_object(served, raw):
    answer = served.client.post("/v1/chat/completions", content=raw)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("model", ["no-such-model", "author/no-such", "fault-misspelt", "fault-cut", "fault-cut-x"])
def test_unknown_models(served, model):
    answer = served.ask(model=model)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("header", ["Bearer bad-credential", "Bearer", "Basic eDp5", None])
def test_credentials(served, header):
    headers = {"Authorization": header} if header else {}
    for path in ("/v1/models", "/b/v1/chat/completions"):
        method = "GET" if path.endswith("models") else "POST"
        answer = httpx.request(method, str(served.client.base_url) + path, headers=headers, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_sdk_knows_the_errors(served):
    with httpx.Client(trust_env=False) as http:
        client = openai.OpenAI(
            base_url=f"{served.client.base_url}/v1", api_key="bad-credential", max_retries=0, http_client=http
        )
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        client.api_key = "x"
        for model, raised in (("no-such", openai.NotFoundError), ("fault-429", openai.RateLimitError)):
            with pytest.raises(raised):
                client.chat.completions.create(model=model, messages=MESSAGES)
        with pytest.raises(openai.APIError, match="server had an error"):
            list(client.chat.completions.create(model="fault-error-midstream-1", messages=MESSAGES, stream=True))


@pytest.mark.parametrize("path", ["/", "/v1", "/d/v1/models", "/v1/chat/completions/x", "/switch/d/on", "/switch/a/x"])
def test_unknown_paths(served, path):
    assert served.client.post(path).status_code == 404
    assert served.client.get(path).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::1", "192.0.2.1"])
def test_other_hosts_are_refused(tmp_path, host):
    process = start(tmp_path / "book", "--host", host)
    _, complaint = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "127.0.0.1 only" in complaint
    assert not (tmp_path / "book").exists()
