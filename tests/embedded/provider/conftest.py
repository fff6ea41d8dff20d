"""A sandbox provider in a process of its own, on a port that it chose."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

PROJECT = Path(__file__).parents[3]


@dataclass(slots=True)
class Served:
    """A running sandbox, a client of it, and its book."""

    client: httpx.Client
    book: Path
    process: subprocess.Popen

    def ask(self, text: str = "hi", model: str = "echo", prefix: str = "", **more) -> httpx.Response:
        """A plain answer; `more` are parameters of the body."""
        return self.client.post(f"{prefix}/v1/chat/completions", json=body(text, model, **more))

    def streamed(self, text: str = "hi", model: str = "echo", **more) -> list[str]:
        """The data of every event, to the end."""
        asked = body(text, model, stream=True, **more)
        with self.client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            return [line.removeprefix("data:").strip() for line in answer.iter_lines() if line]

    def chunks(self, text: str = "hi", model: str = "echo", **more) -> list[dict]:
        """Every chunk of a stream that ends in [DONE]."""
        *chunks, last = self.streamed(text, model, **more)
        assert last == "[DONE]"
        return [json.loads(chunk) for chunk in chunks]

    def rows(self) -> list[dict]:
        return [json.loads(line) for line in self.book.read_text().splitlines()]

    def row(self, answer_id: str) -> dict:
        """The one row of this answer."""
        (row,) = [row for row in self.rows() if row["id"] == answer_id]
        return row

    def health(self) -> dict[str, int]:
        return self.client.get("/healthz").json()


def body(text: str, model: str, **more) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def start(book: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "xroute.embedded.provider", "--port", "0", "--book", str(book), *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def soon(found: Callable[[], object], timeout_s: float = 3) -> object:
    """What `found` gives as soon as it is true."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError("it did not come true")


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Served]:
    book = tmp_path_factory.mktemp("provider") / "book.jsonl"
    process = start(book)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    headers = {"Authorization": "Bearer anything"}
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
        yield Served(client, book, process)
    process.terminate()
    _, complaints = process.communicate(timeout=10)
    assert complaints == "", "the sandbox logged something: its own mistakes must not pass for faults on demand"
