"""Idempotency-Key: the same call gets the same answer; another call under the same key is refused."""

from collections.abc import Callable
from typing import Any

import orjson

from xroute.embedded.stripe.objects import public
from xroute.embedded.stripe.store import Object, Store
from xroute.embedded.stripe.wire import Refused, fingerprint

KEY_LENGTH_MAX = 255


class Answers:
    """Answers that were given under a key. A call that failed its checks was never begun, and leaves none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def once(
        self, key: str, method: str, path: str, params: dict[str, Any], work: Callable[[], Object]
    ) -> tuple[int, bytes]:
        """(status, body) of `work`, or of the same call before. Raises Refused."""
        if not key or method != "POST":
            return 200, _shown(work())
        if len(key) > KEY_LENGTH_MAX:
            raise Refused("The idempotency key is too long.", kind="idempotency_error")
        print_ = fingerprint(method, path, params)
        before = self._store.get(f"idempotency:{key}", "_answer")
        if before is not None:
            if before["print"] != print_:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                raise Refused(message, kind="idempotency_error")
            return before["status"], before["body"].encode()
        try:
            status, body = 200, _shown(work())
        except Refused as refused:
            if not refused.executed:
                raise
            status, body = refused.status, refused.body
        note = {
            "id": f"idempotency:{key}",
            "object": "_answer",
            "print": print_,
            "status": status,
            "body": body.decode(),
        }
        self._store.put(note)
        return status, body


def _shown(found: Object) -> bytes:
    return orjson.dumps({name: _inner(value) for name, value in public(found).items()})


def _inner(value: Any) -> Any:
    """Expanded objects are shown like any other."""
    return public(value) if isinstance(value, dict) else value
