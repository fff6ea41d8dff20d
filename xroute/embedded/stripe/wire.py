"""Stripe's wire: forms with brackets come in, JSON goes out, errors have a shape of their own. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

PARAMETERS_MAX = 1000
DEPTH_MAX = 8


class Refused(Exception):
    """An error that the caller gets. `executed`: it came from doing, not from looking at the parameters."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.executed = status, executed
        said = {"type": kind, "message": message, "code": code, "param": param}
        self.body = orjson.dumps({"error": {name: value for name, value in said.items() if value}})


def missing(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> Refused:
    """Nothing has this id."""
    message = f"No such {kind}: '{object_id}'"
    return Refused(message, status=status, code="resource_missing", param=param, executed=True)


def unknown(method: str, path: str) -> Refused:
    """There is no such call here."""
    return Refused(f"Unrecognized request URL ({method}: {path}).", status=404)


def decode(text: str) -> dict[str, Any]:
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}; lists are told from maps later, by their type."""
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise Refused("The request's parameters could not be read.") from None
    for name, value in pairs:
        _put(found, _path(name), value)
    return found


def _path(name: str) -> list[str]:
    head, *rest = name.split("[")
    if not head or any(not part.endswith("]") for part in rest) or len(rest) > DEPTH_MAX:
        raise Refused(f"Invalid parameter name: {name[:100]}", param=name[:100])
    return [head, *(part[:-1] for part in rest)]


def _put(found: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        inner = found.setdefault(part or str(len(found)), {})
        if not isinstance(inner, dict):
            raise Refused(f"Invalid parameters: {part} is given both as a value and as a map.", param=path[0])
        found = inner
    found[path[-1] or str(len(found))] = value


def shown(path: tuple[str, ...]) -> str:
    """A parameter's name, as Stripe writes it."""
    return path[0] + "".join(f"[{part}]" for part in path[1:])


def fingerprint(method: str, path: str, params: Mapping[str, Any]) -> str:
    """What must be the same when an idempotency key comes again."""
    return f"{method} {path} {orjson.dumps(params, option=orjson.OPT_SORT_KEYS).decode()}"
