"""Every fault, as a client of the wire meets it."""

import gzip
import json
import time

import httpx
import pytest

USAGE = {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 502, 503, 529])
@pytest.mark.parametrize("stream", [False, True])
def test_statuses(served, status, stream):
    answer = served.ask(model=f"author/fault-{status}", stream=stream)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)


def test_html_and_redirect(served):
    answer = served.ask(model="fault-html-502")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    answer = served.ask(model="fault-redirect")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:1/")


def test_errors_under_status_200(served):
    answer = served.ask(model="fault-error-200")
    assert answer.status_code == 200
    assert answer.json()["error"]["type"] == "server_error"
    (event,) = served.streamed(model="fault-error-200")
    assert json.loads(event)["error"]["message"]
    *chunks, event = served.streamed(model="fault-error-midstream-3")
    assert len(chunks) == 1 + 3
    assert json.loads(event)["error"]["message"]
    assert served.ask(model="fault-error-midstream-3").status_code == 500


@pytest.mark.parametrize("count", [0, 3, 5000])
def test_cut_and_early_end(served, count):
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        served.streamed(model=f"fault-cut-{count}")
    events = [json.loads(event) for event in served.streamed(model=f"fault-eof-{count}")]
    assert len(events) == 1 + min(count, len(events) - 1)
    assert all(event["choices"][0]["finish_reason"] is None for event in events)


def test_cut_short_of_its_length(served):
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        served.ask(model="fault-cut-3")
    with pytest.raises(json.JSONDecodeError):
        served.ask(model="fault-eof-3").json()


def test_no_done(served):
    events = [json.loads(event) for event in served.streamed(model="fault-nodone", **USAGE)]
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["usage"]["completion_tokens"] > 0


def test_silence(served):
    for model, stream in (("fault-silence", False), ("fault-silence", True), ("fault-silence-2", False)):
        with pytest.raises(httpx.ReadTimeout):
            served.client.post(
                "/v1/chat/completions",
                json={"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]},
                timeout=0.2,
            )
    asked = {"model": "fault-silence-2", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with served.client.stream("POST", "/v1/chat/completions", json=asked, timeout=0.5) as answer:
        lines = answer.iter_lines()
        got = [line for line in (next(lines) for _ in range(6)) if line]
        assert len(got) == 1 + 2
        with pytest.raises(httpx.ReadTimeout):
            next(lines)


def test_slowness(served):
    started = time.monotonic()
    served.ask(model="fault-slow-100")
    assert 0.1 < time.monotonic() - started < 1
    started = time.monotonic()
    served.streamed("[[tokens=3]]", model="fault-slow-50")
    assert 0.15 < time.monotonic() - started < 1


def test_usage_missing(served):
    assert "usage" not in served.ask(model="fault-usage-missing").json()
    assert not any(chunk.get("usage") for chunk in served.chunks(model="fault-usage-missing", **USAGE))


def test_usage_absurd(served):
    plain = [served.ask(model=f"fault-usage-absurd-{i}").json()["usage"]["completion_tokens"] for i in range(3)]
    assert plain == [10**15, -7, "12"]
    turns = [served.chunks(model="fault-usage-absurd", **USAGE)[-1]["usage"]["completion_tokens"] for _ in range(3)]
    assert sorted(map(str, turns)) == sorted(map(str, plain))


def test_usage_with_the_finish_reason(served):
    last = served.chunks(model="fault-usage-on-finish", **USAGE)[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] > 0


def test_late_usage(served):
    started = time.monotonic()
    assert served.chunks(model="fault-late-usage-100", **USAGE)[-1]["usage"]
    assert time.monotonic() - started > 0.1


def test_nothing_and_nonsense(served):
    assert served.ask(model="fault-empty").json()["choices"] == []
    assert served.streamed(model="fault-empty") == ["[DONE]"]
    with pytest.raises(json.JSONDecodeError):
        served.ask(model="fault-garbage").json()
    (event,) = served.streamed(model="fault-garbage")
    with pytest.raises(json.JSONDecodeError):
        json.loads(event)


def test_too_much(served):
    assert max(map(len, served.streamed(model="fault-longline"))) > 5 * 2**20
    asked = {"model": "fault-gzip", "messages": [{"role": "user", "content": "hi"}]}
    for stream in (False, True):
        with served.client.stream("POST", "/v1/chat/completions", json=asked | {"stream": stream}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            packed = b"".join(answer.iter_raw())
        assert len(packed) < 2**20
        assert len(gzip.decompress(packed)) > 50 * 2**20


@pytest.mark.parametrize("stream", [False, True])
def test_without_end(served, stream):
    asked = {"model": "fault-endless", "stream": stream, "messages": [{"role": "user", "content": "[[tokens=1]]"}]}
    with served.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        raw = answer.iter_raw()
        assert all(next(raw) for _ in range(20))


def test_flaky(served):
    statuses = [served.ask(model="fault-flaky-30", prefix="/c").status_code for _ in range(20)]
    assert statuses.count(500) == 6
    assert statuses[:10] == statuses[10:]


def test_switches(served):
    on = served.client.post("/switch/b/on")
    try:
        assert on.json() == {"on": ["b"]}
        assert served.ask(prefix="/b").status_code == 500
        assert served.client.get("/b/v1/models").status_code == 500
        assert served.ask().status_code == served.ask(prefix="/c").status_code == 200
    finally:
        served.client.post("/switch/b/off")
    assert served.ask(prefix="/b").status_code == 200
    served.client.post("/switch/toggle/on")
    assert [served.ask(model=model).status_code for model in ("fault-toggle", "echo")] == [500, 200]
    served.client.post("/switch/toggle/off")
    assert served.ask(model="fault-toggle").status_code == 200


def test_a_limit_for_an_hour(served):
    answer = served.ask(model="fault-limited-3600")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_after_the_head(served, stream):
    ends = {"cut-head": httpx.RemoteProtocolError, "silence-head": httpx.ReadTimeout, "eof-head": None}
    for name, error in ends.items():
        asked = {"model": f"fault-{name}", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        with served.client.stream("POST", "/v1/chat/completions", json=asked, timeout=0.5) as answer:
            assert answer.status_code == 200
            if error is None:
                assert answer.read() == b""
            else:
                with pytest.raises(error):
                    answer.read()


def test_usage_zero_and_twice(served):
    assert served.ask(model="fault-usage-zero").json()["usage"]["completion_tokens"] == 0
    assert served.chunks(model="fault-usage-zero", **USAGE)[-1]["usage"]["prompt_tokens"] == 0
    assert served.ask("[[tokens=8]]", model="fault-usage-twice").text.count('"completion_tokens":4') == 1
    told = [chunk["usage"] for chunk in served.chunks("[[tokens=8]]", model="fault-usage-twice", **USAGE)]
    assert [usage["completion_tokens"] for usage in told if usage] == [4, 8]


def test_a_byte_at_a_time(served):
    assert served.ask("[[echo]]höher", model="fault-bytewise").json()["choices"][0]["message"]["content"] == "höher"
    asked = {"model": "fault-bytewise", "stream": True, "messages": [{"role": "user", "content": "[[tokens=1]]"}]}
    with served.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        assert min(map(len, answer.iter_raw())) == 1
