"""What the sandbox served, by its own account: one JSON line for every request that would be billed."""

import os
import time
from pathlib import Path
from typing import Any

import orjson

MEMORY_MAX = 200_000


class Book:
    """Append-only; a row is written before the last bytes of its answer leave."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.rows: list[dict[str, Any]] = []
        self.served = 0
        self.open = 0

    def write(self, row: dict[str, Any]) -> None:
        self.served += 1
        row = {"n": self.served, "ended": time.time(), **row}
        self.rows.append(row)
        if len(self.rows) > MEMORY_MAX:
            del self.rows[: MEMORY_MAX // 2]
        os.write(self._handle, orjson.dumps(row) + b"\n")
