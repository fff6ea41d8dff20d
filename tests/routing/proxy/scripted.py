"""An upstream that streams exactly the bytes a test gives it, for as long as the test runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.routing.wire import read_request, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def chunk(content: str | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream; `more` are keys beside the choices."""
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    body = {"id": "up-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def usage(prompt: Any, completion: Any) -> bytes:
    numbers = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 1}
    body = {
        "id": "up-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": numbers,
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


@asynccontextmanager
async def scripted(parts: Iterable[bytes | float | asyncio.Event]) -> AsyncIterator[str]:
    """The base URL of a server that answers each request with `parts`.

    Bytes are written, each by itself; a number is a pause in seconds; until an event is set empty chunks are sent.
    """
    parts = list(parts)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD)
        for part in parts:
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif isinstance(part, asyncio.Event):
                while not part.is_set():
                    writer.write(chunk(""))
                    await asyncio.sleep(0.1)
            else:
                writer.write(part)
                await writer.drain()
        writer.close()

    async with serving(answer) as url:
        yield url
