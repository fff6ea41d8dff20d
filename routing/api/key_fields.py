"""The body of POST and PATCH …/keys: each field checked, or refused by its name."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from accounts import key_bounds as bounds
from routing.catalogue import Snapshot
from xroute.lib.errors import ApiError, invalid
from xroute.lib.money import nanousd_from_usd
from xroute.lib.names import unseen_in

RESETS = ("daily", "weekly", "monthly")


def key_fields(body: bytes, snapshot: Snapshot, *, new: bool) -> dict[str, Any]:
    """What the body sets, by the names of columns; raises ApiError 400 with `param`.

    A field that is not known is refused: a limit that is misspelt must not make a key without one.
    """
    given = _object(body)
    if not given.keys() <= FIELDS.keys() - ({"disabled"} if new else set()):
        name = sorted(given.keys() - (FIELDS.keys() - ({"disabled"} if new else set())))[0]
        known = ", ".join(sorted(FIELDS))
        raise _wrong(name[:60], f"There is no field {name[:60]!r} here. There are {known}.", code="unknown_parameter")
    if new and "name" not in given:
        raise _wrong("name", "Give the key a name.", code="missing_parameter")
    found: dict[str, Any] = {}
    for name, value in given.items():
        column, check = FIELDS[name]
        if column:
            found[column] = _models(value, snapshot) if column == "allowed_models" else check(name, value)
        else:
            check(name, value)
    return found


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The body is not JSON: {error}.", code="invalid_json") from error
    if not isinstance(given, dict):
        raise invalid("The body must be a JSON object.", code="invalid_json")
    return given


def _wrong(param: str, message: str, *, code: str = "invalid_value") -> ApiError:
    return invalid(message, param=param, code=code)


def _name(param: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > bounds.NAME_LENGTH_MAX:
        raise _wrong(param, f"{param} must be a text of 1 to {bounds.NAME_LENGTH_MAX} characters.")
    if says := unseen_in(value):
        raise _wrong(param, says)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(param, f"{param} holds half of a character.") from None
    return value.strip()


def _limit(param: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= bounds.LIMIT_USD_MAX:
        raise _wrong(param, f"{param} must be USD from 0 to {bounds.LIMIT_USD_MAX}, or null for none.")
    try:
        return nanousd_from_usd(Decimal(str(value)))
    except ValueError:
        raise _wrong(param, f"{param} is finer than a billionth of a USD.") from None


def _reset(param: str, value: Any) -> str:
    if value is None:
        return "never"
    if value not in RESETS:
        raise _wrong(param, f"{param} must be one of {', '.join(RESETS)}, or null.")
    return str(value)


def _expiry(param: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = at.astimezone(UTC) if at is not None and at.tzinfo else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise _wrong(param, f"{param} must be a moment in ISO 8601 with its zone, such as 2030-12-31T23:59:59Z.")
    if at <= datetime.now(UTC):
        raise _wrong(param, f"{param} is over. Choose a later moment, or disable the key.")
    return at


def _flag(param: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(param, f"{param} must be true or false.")
    return value


def _no_byok(param: str, value: Any) -> None:
    """OpenRouter's clients send it; what a workspace's own accounts are charged counts by its fee here, always."""
    if _flag(param, value):
        raise _wrong(param, f"{param} is not supported: of calls by your own provider keys the fee counts, always.")


def _count(most: int) -> Callable[[str, Any], int | None]:
    def check(param: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise _wrong(param, f"{param} must be a whole number from 1 to {most}, or null for none.")
        return value

    return check


def _texts(param: str, value: Any) -> list[str]:
    """A list of texts; null is an empty one."""
    texts = [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _wrong(param, f"{param} must be a list of texts, or null for no restriction.")
    if len(texts) > bounds.LIST_MAX:
        raise _wrong(param, f"{param} may hold at most {bounds.LIST_MAX} texts.")
    return texts


def _networks(param: str, value: Any) -> list[str]:
    try:
        return bounds.networks(_texts(param, value))
    except ValueError as error:
        raise _wrong(param, str(error)) from None


def _models(value: Any, snapshot: Snapshot) -> list[str]:
    """Slugs: aliases are resolved, and what is not known here is refused."""
    found: dict[str, None] = {}
    for name in _texts("allowed_models", value):
        slug = snapshot.names.get(name)
        if slug is None:
            near = ", ".join(snapshot.similar(name[:200])) or "GET /api/v1/models lists all"
            raise _wrong("allowed_models", f"The model {name[:200]!r} does not exist. Near it: {near}.")
        found[slug] = None
    return list(found)


FIELDS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "name": ("name", _name),
    "disabled": ("disabled", _flag),
    "limit": ("limit_nanousd", _limit),
    "limit_reset": ("limit_reset", _reset),
    "include_byok_in_limit": ("", _no_byok),
    "expires_at": ("expires_at", _expiry),
    "requests_per_minute": ("requests_per_minute", _count(bounds.REQUESTS_MAX)),
    "tokens_per_minute": ("tokens_per_minute", _count(bounds.TOKENS_MAX)),
    "parallel_requests": ("parallel_requests", _count(bounds.PARALLEL_MAX)),
    "allowed_models": ("allowed_models", _texts),
    "allowed_cidrs": ("allowed_cidrs", _networks),
}
