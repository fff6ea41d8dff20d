"""What the sandbox served, by its own account: one JSON line for every request that would be billed.

A request that was left before its body was read has a line without a model and without tokens.
"""

import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

ROWS_IN_MEMORY_MAX = 200_000
TAIL_BYTES = 64 * 1024


class Forgotten(Exception):
    """Rows that old are in the file only."""


class Book:
    """Append-only; a row is written before the last bytes of its answer leave. `n` counts on over restarts."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._last = self._last_number()
        self._lines: deque[bytes] = deque(maxlen=ROWS_IN_MEMORY_MAX)

    def _last_number(self) -> int:
        size = os.fstat(self._handle).st_size
        lines = os.pread(self._handle, TAIL_BYTES, max(0, size - TAIL_BYTES)).split()
        return int(orjson.loads(lines[-1])["n"]) if lines else 0

    def write(self, row: dict[str, Any]) -> None:
        """One line in one write, so that lines stay whole whoever else appends."""
        line = orjson.dumps({"n": self._last + 1, **row})
        os.write(self._handle, line + b"\n")
        self._last += 1
        self._lines.append(line)

    def after(self, number: int) -> bytes:
        """The rows of this process with a greater `n`, as a JSON list. Raises Forgotten where some are missing."""
        first = self._last - len(self._lines) + 1
        if number + 1 < first and len(self._lines) == ROWS_IN_MEMORY_MAX:
            raise Forgotten
        skipped = max(0, number + 1 - first)
        return b"[%b]" % b",".join(line for i, line in enumerate(self._lines) if i >= skipped)

    def close(self) -> None:
        os.close(self._handle)


@dataclass(slots=True)
class Entry:
    """A request's row in the making: `completion_tokens` is what was produced so far. Written once at most."""

    book: Book
    id: str
    prefix: str
    model: str
    stream: bool
    prompt_tokens: int
    cached_tokens: int
    request_id: str | None
    started: float = field(default_factory=time.time)
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    written: bool = False

    def write(self, outcome: str) -> None:
        """`outcome` is complete, aborted, unread or fault. A fault without tokens would not be billed: no row."""
        if self.written or (outcome == "fault" and not self.completion_tokens):
            return
        self.written = True
        self.book.write(
            {
                "id": self.id,
                "prefix": self.prefix,
                "model": self.model,
                "stream": self.stream,
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "cached_tokens": self.cached_tokens,
                "reasoning_tokens": self.reasoning_tokens,
                "outcome": outcome,
                "request_id": self.request_id,
                "started": self.started,
                "ended": time.time(),
            }
        )
