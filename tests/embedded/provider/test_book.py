"""The book: a row for all that would be billed, before anybody can see it finished."""

import json
import socket
import time

import httpx
import pytest

from tests.embedded.provider.conftest import body, soon, start
from xroute.embedded.provider.book import Book, Forgotten

KEYS = (
    *("n", "id", "prefix", "model", "stream", "prompt_tokens", "completion_tokens", "cached_tokens"),
    *("reasoning_tokens", "outcome", "request_id", "started", "ended"),
)


@pytest.mark.parametrize("header", ["x-request-id", "x-client-request-id"])
def test_a_row(served, header):
    before = time.time()
    asked = body("[[tokens=7]] hi", "author/echo")
    answer = served.client.post("/b/v1/chat/completions", json=asked, headers={header: "req-7"}).json()
    row = served.row(answer["id"])
    assert tuple(row) == KEYS
    assert (row["prefix"], row["model"], row["stream"], row["outcome"]) == ("b", "author/echo", False, "complete")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (answer["usage"]["prompt_tokens"], 7)
    assert row["request_id"] == "req-7"
    assert before <= row["started"] <= row["ended"] <= time.time()


def test_rows_are_numbered_and_shown(served):
    served.ask()
    numbers = [row["n"] for row in served.rows()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert served.client.get("/book").json() == served.rows()
    assert served.client.get("/book", params={"after": numbers[-1] - 1}).json() == served.rows()[-1:]
    assert served.client.get("/book", params={"after": numbers[-1]}).json() == []
    assert served.client.get("/book", params={"after": "x"}).status_code == 400


def test_the_row_is_there_before_the_finish(served):
    asked = body("[[tokens=3]]", "fault-late-usage-300", stream=True)
    with served.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        for line in answer.iter_lines():
            chunk = json.loads(line.removeprefix("data: ")) if line else None
            if chunk and chunk["choices"][0]["finish_reason"]:
                assert served.row(chunk["id"])["outcome"] == "complete"
                break
    time.sleep(0.4)
    assert served.row(chunk["id"])["completion_tokens"] == 3, "leaving after the finish changes nothing"


def leave(served, asked: dict, chunks: int) -> dict:
    """Read so many content chunks, then leave; the last chunk that was read."""
    with served.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        data = (line for line in answer.iter_lines() if line)
        for _ in range(1 + chunks):
            last = json.loads(next(data).removeprefix("data: "))
    return last


def test_who_leaves_midstream(served):
    last = leave(served, body("[[tokens=500]][[delay_ms=20]]", "echo", stream=True, n=2), chunks=10)
    left = time.time()
    row = soon(lambda: [row for row in served.rows() if row["id"] == last["id"]])[0]
    assert row["outcome"] == "aborted"
    assert 10 <= row["completion_tokens"] < 30
    assert row["ended"] - left < 0.1
    soon(lambda: served.health()["open"] == 0)


def test_who_leaves_an_endless_one(served):
    last = leave(served, body("hi", "fault-endless", stream=True), chunks=5)
    row = soon(lambda: [row for row in served.rows() if row["id"] == last["id"]])[0]
    assert row["outcome"] == "aborted"
    assert row["completion_tokens"] >= 5


@pytest.mark.parametrize("model", ["fault-silence", "fault-slow-9000"])
def test_who_leaves_before_anything_came(served, model):
    count = len(served.rows())
    with pytest.raises(httpx.ReadTimeout):
        served.client.post("/v1/chat/completions", json=body("hi", model), timeout=0.2)
    row = soon(lambda: served.rows()[count:])[0]
    assert (row["outcome"], row["completion_tokens"]) == ("aborted", 0)
    soon(lambda: served.health()["open"] == 0)


def test_who_leaves_before_the_body_was_read(served):
    count, url = len(served.rows()), served.client.base_url
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\nx-request-id: early\r\n"
    with socket.create_connection((url.host, url.port)) as sock:
        sock.sendall(head + b"content-length: 500\r\n\r\n{")
    row = soon(lambda: served.rows()[count:])[0]
    assert (row["request_id"], row["outcome"], row["prompt_tokens"]) == ("early", "unread", 0)


def test_faults_after_tokens(served):
    for model, tokens in (("fault-eof-3", 3), ("fault-error-midstream-2", 2)):
        events = served.streamed("[[tokens=9]]", model=model)
        row = served.row(json.loads(events[0])["id"])
        assert (row["outcome"], row["completion_tokens"]) == ("fault", tokens)
    with pytest.raises(httpx.RemoteProtocolError):
        served.streamed("[[tokens=9]]", model="fault-cut-4")
    assert (served.rows()[-1]["outcome"], served.rows()[-1]["completion_tokens"]) == ("fault", 4)


def test_the_truth_beside_absurd_usage(served):
    answer = served.ask("[[tokens=6]]", model="fault-usage-absurd-0").json()
    assert served.row(answer["id"])["completion_tokens"] == 6


@pytest.mark.parametrize(
    "model", ["fault-500", "fault-429", "fault-error-200", "fault-empty", "fault-eof-0", "no-such"]
)
def test_no_tokens_no_row(served, model):
    count = len(served.rows())
    served.ask(model=model, stream=True)
    assert len(served.rows()) == count


def test_open_requests_are_counted(served):
    soon(lambda: served.health()["open"] == 0)
    before = served.health()["served"]
    with served.client.stream("POST", "/v1/chat/completions", json=body("hi", "fault-silence-1", stream=True)):
        assert served.health()["open"] == 1
    soon(lambda: served.health() == {"open": 0, "served": before + 1})


def test_a_stopped_server_books_what_it_sent(tmp_path):
    process = start(tmp_path / "book")
    url = f"http://127.0.0.1:{int(process.stdout.readline())}/v1/chat/completions"
    asked, headers = body("hi", "fault-silence-2", stream=True), {"Authorization": "Bearer x"}
    with httpx.stream("POST", url, json=asked, headers=headers, trust_env=False) as answer:
        raw = answer.iter_raw()  # kept, as its end would close the connection
        next(raw)
        process.terminate()
        process.communicate(timeout=10)
    row = json.loads((tmp_path / "book").read_text())
    assert row["outcome"] == "fault"
    assert row["completion_tokens"] >= 1


def test_numbers_go_on_over_restarts(tmp_path, monkeypatch):
    for expected in (1, 2):
        book = Book(tmp_path / "book")
        book.write({"id": "x"})
        assert json.loads(book.after(0))[-1]["n"] == expected
        book.close()
    monkeypatch.setattr("xroute.embedded.provider.book.ROWS_IN_MEMORY_MAX", 2)
    book = Book(tmp_path / "book")
    for _ in range(3):
        book.write({"id": "y"})
    assert [row["n"] for row in json.loads(book.after(3))] == [4, 5]
    with pytest.raises(Forgotten):
        book.after(2)
    book.close()
