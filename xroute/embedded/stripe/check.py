"""Parameters against the `stripe` library's own TypedDicts: unknown, missing and mistyped ones are refused. Pure."""

import re
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from stripe._request_options import RequestOptions

from xroute.embedded.stripe.wire import Refused, shown

INTEGER, DECIMAL = re.compile(r"-?[0-9]{1,18}"), re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
# Names that the library's modules import for type checkers only.
NAMES: dict[str, Any] = {"StripeContext": object, "Mapping": Mapping, "UntypedStripeObject": dict}
OPTIONS = frozenset(RequestOptions.__annotations__)  # these travel in headers
METADATA_MAX, METADATA_NAME_MAX, METADATA_VALUE_MAX = 50, 40, 500
Path = tuple[str, ...]


@lru_cache(maxsize=512)
def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, localns=NAMES, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in OPTIONS}


def checked(kind: Any, raw: Mapping[str, Any], path: Path = ()) -> dict[str, Any]:
    """The parameters with their types, where they fit the TypedDict `kind`. Raises Refused."""
    fields = _fields(kind)
    for name in raw:
        if name not in fields:
            param = shown((*path, name))
            raise Refused(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
    for name in kind.__required_keys__ - OPTIONS:
        if raw.get(name, "") == "" and not _not_required(fields[name]):
            param = shown((*path, name))
            raise Refused(f"Missing required param: {param}.", code="parameter_missing", param=param)
    return {name: _value(fields[name], value, (*path, name)) for name, value in raw.items()}


def _not_required(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.NotRequired


def _value(hint: Any, value: Any, path: Path) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.NotRequired, typing.Required):
        return _value(arguments[0], value, path)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, value, path)
    if origin is typing.Literal:
        if value not in arguments:
            allowed = ", ".join(str(item) for item in arguments)
            raise Refused(f"Invalid {shown(path)}: must be one of {allowed}", param=shown(path))
        return value
    if hasattr(hint, "__required_keys__"):
        return checked(hint, _map(value, path), path)
    if origin is list:
        return _list(arguments[0], _map(value, path), path)
    if origin is dict or hint is dict:
        return _texts(_map(value, path), path)
    return _scalar(hint, value, path)


def _union(arguments: tuple[Any, ...], value: Any, path: Path) -> Any:
    """The library adds `str` to each list of words, for those it does not know yet; the words are what Stripe takes."""
    words = [item for item in arguments if typing.get_origin(item) is typing.Literal and typing.get_args(item) != ("",)]
    others = [item for item in arguments if not (words and item is str)]
    refusal = Refused(f"Invalid {shown(path)}", param=shown(path))
    for item in others:
        try:
            return _value(item, value, path)
        except Refused as refused:
            refusal = refused
    raise refusal


def _scalar(hint: Any, value: Any, path: Path) -> Any:
    kind, param = getattr(hint, "__name__", str(hint)), shown(path)
    if not isinstance(value, str):
        raise Refused(f"Invalid {kind}: {param} is a map", param=param)
    if hint is bool and value in ("true", "false"):
        return value == "true"
    if hint is int and INTEGER.fullmatch(value):
        return int(value)
    if hint is str or (kind in ("float", "Decimal") and DECIMAL.fullmatch(value)):
        return value
    names = {"int": "integer", "bool": "boolean"}
    code = "parameter_invalid_integer" if hint is int else ""
    raise Refused(f"Invalid {names.get(kind, kind)}: {value[:100]}", code=code, param=param)


def _map(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"Invalid {shown(path)}: expected a map or a list", param=shown(path))
    return value


def _list(item: Any, value: dict[str, Any], path: Path) -> list[Any]:
    if list(value) != [str(number) for number in range(len(value))]:
        raise Refused(f"Invalid array: {shown(path)}", param=shown(path))
    return [_value(item, part, (*path, number)) for number, part in value.items()]


def _texts(value: dict[str, Any], path: Path) -> dict[str, str]:
    """Metadata: few short words."""
    for name, text in value.items():
        if not isinstance(text, str) or len(name) > METADATA_NAME_MAX or len(text) > METADATA_VALUE_MAX:
            raise Refused(f"Invalid metadata: {shown((*path, name))[:100]}", param=shown(path))
    if len(value) > METADATA_MAX:
        raise Refused(f"{shown(path)} can have at most {METADATA_MAX} keys", param=shown(path))
    return dict(value)
