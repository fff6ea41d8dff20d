"""OpenRouter's routing words: what is understood is kept, what is not is refused by name."""

from typing import Any

from routing.types import Preferences
from xroute.lib.errors import ApiError, invalid

NAMES_MAX = 100
_KNOWN = "order, only, ignore, allow_fallbacks, require_parameters, sort, data_collection"
_KEYS = frozenset(_KNOWN.split(", "))
_BY_PRICE = Preferences(sort="price")
_NONE = Preferences()


def preferences(body: dict[str, Any], *, by_price: bool) -> Preferences:
    """The `provider` object; `by_price` is the suffix `:floor`. Raises ApiError 400 for what we cannot honour."""
    if body.get("models"):
        raise _unsupported("models", "a list of fallback models is not supported yet; name one in `model`")
    given = body.get("provider")
    if given is None:
        return _BY_PRICE if by_price else _NONE
    if not isinstance(given, dict):
        raise invalid('`provider` must be an object such as {"order": ["name"]}.', param="provider")
    for key in given:
        if key not in _KEYS:
            raise _unsupported(f"provider.{key[:100]}", f"known are {_KNOWN}")
    _check_choice(given, "data_collection", "allow")
    _check_choice(given, "sort", "price")
    return Preferences(
        order=_names(given, "order"),
        only=_names(given, "only"),
        ignore=_names(given, "ignore"),
        allow_fallbacks=_flag(given, "allow_fallbacks", True),
        require_parameters=_flag(given, "require_parameters", False),
        sort="price" if by_price or given.get("sort") else None,
    )


def _unsupported(param: str, remedy: str) -> ApiError:
    return invalid(f"`{param}` is not supported: {remedy}.", param=param, code="unsupported_parameter")


def _check_choice(given: dict[str, Any], key: str, only: str) -> None:
    if given.get(key) not in (None, only):
        raise _unsupported(f"provider.{key}", f'only "{only}" can be honoured yet')


def _names(given: dict[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > NAMES_MAX or not all(isinstance(name, str) for name in value):
        raise invalid(
            f"`provider.{key}` must be a list of at most {NAMES_MAX} provider names.", param=f"provider.{key}"
        )
    return tuple(value)


def _flag(given: dict[str, Any], key: str, default: bool) -> bool:
    value = given.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(f"`provider.{key}` must be true or false.", param=f"provider.{key}")
    return value
