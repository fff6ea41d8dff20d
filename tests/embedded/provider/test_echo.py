"""Echo, delays, and the awkward ways in which bytes may arrive."""

import json
import socket
import time

import pytest

TEXT = 'Grüße, 世界! 🐚🌊 "quoted" \\ \r\n\t and {"json": true}  twice  spaced ' + "ö" * 50


def content(events: list[str]) -> str:
    chunks = [json.loads(event) for event in events if event != "[DONE]"]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize("directives", ["[[echo]]", "[[echo]][[ragged]]"])
def test_exactly_what_was_said(served, directives):
    plain = served.ask(f"{directives} {TEXT}").json()
    assert plain["choices"][0]["message"]["content"] == TEXT.strip()
    assert content(served.streamed(f"{directives} {TEXT}")) == TEXT.strip()


def test_other_brackets_are_text(served):
    assert served.ask("[[echo]] [[a]] [[tokens=x]]").json()["choices"][0]["message"]["content"] == "[[a]] [[tokens=x]]"


def raw(served, text: str) -> list[bytes]:
    """The parts of the chunked body, as they were written."""
    body = json.dumps(
        {"model": "echo", "stream": True, "messages": [{"role": "user", "content": text}]}, ensure_ascii=False
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Length: {len(body)}"
    data = b""
    with socket.create_connection(("127.0.0.1", served.client.base_url.port), timeout=5) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        while not data.endswith(b"0\r\n\r\n"):
            data += connection.recv(65536)
    data, parts = data.partition(b"\r\n\r\n")[2], []
    while data != b"0\r\n\r\n":
        size, _, data = data.partition(b"\r\n")
        parts.append(data[: int(size, 16)])
        data = data[int(size, 16) + 2 :]
    return parts


def test_ragged_bytes(served):
    parts = raw(served, "[[echo]][[ragged]] a 世界 b")
    whole = b"".join(parts)
    assert whole.endswith(b"\r\n\r\ndata:[DONE]")
    assert b"data: " not in whole
    assert whole.count(b"\n") == whole.count(b"\r\n")
    assert any(part.endswith(b"\r") for part in parts)
    with pytest.raises(UnicodeDecodeError):
        [part.decode() for part in parts]


def test_delays(served):
    started = time.monotonic()
    served.ask("[[first_ms=60]][[delay_ms=60]]")
    assert time.monotonic() - started > 0.12
    started = time.monotonic()
    served.streamed("[[tokens=5]][[delay_ms=20]]")
    assert 0.1 < time.monotonic() - started < 1
