"""What the emulator knows: objects by id, in the order they were made, kept in a file of JSON lines."""

import secrets
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

ALPHABET = string.ascii_letters + string.digits
Object = dict[str, Any]


def new_id(prefix: str) -> str:
    """An id as Stripe makes them; a session's is unguessable, as its page is open to whoever knows it."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(24))}"


class Store:
    """`put` keeps an object and everything about it; a torn last line of a killed process is left out."""

    def __init__(self, path: Path) -> None:
        self._objects: dict[str, Object] = {}
        if path.exists():
            for line in path.read_bytes().splitlines():
                try:
                    found = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                self._objects[found["id"]] = found
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        with part.open("wb") as file:
            file.writelines(orjson.dumps(found) + b"\n" for found in self._objects.values())
        part.replace(path)
        self._file = path.open("ab", buffering=0)

    def put(self, found: Object) -> Object:
        """Keep it, new or changed; it must be plain JSON."""
        self._objects[found["id"]] = found
        self._file.write(orjson.dumps(found) + b"\n")
        return found

    def close(self) -> None:
        self._file.close()

    def get(self, object_id: str, kind: str) -> Object | None:
        found = self._objects.get(object_id)
        return found if found and found["object"] == kind and not found.get("deleted") else None

    def any(self, object_id: str) -> Object | None:
        """Whatever has this id."""
        return self._objects.get(object_id)

    def newest(self, kind: str, wanted: Callable[[Object], bool] = lambda _: True) -> list[Object]:
        """All of a kind that are wanted, newest first."""
        return [found for found in reversed(self._objects.values()) if found["object"] == kind and wanted(found)]


def now() -> int:
    return int(time.time())
