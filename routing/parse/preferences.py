"""OpenRouter's routing words, checked; what is not known is refused by name."""

from collections.abc import Callable
from typing import Any, TypeVar

from routing.parse.amounts import max_price, percentiles
from routing.types import Preferences
from xroute.lib.errors import ApiError, invalid

T = TypeVar("T")
NAMES_MAX = 100
SORTS = ("price", "throughput", "latency")
QUANTIZATIONS = ("int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown")
SUFFIXES = {"floor": "price", "nitro": "throughput", "free": None}
_KNOWN = (
    "order, only, ignore, allow_fallbacks, require_parameters, sort, data_collection, zdr, quantizations, max_price, "
    "preferred_min_throughput, preferred_max_latency"
)
_KEYS = frozenset(_KNOWN.split(", "))
_PLAIN = {suffix: Preferences(sort=sort, free=suffix == "free") for suffix, sort in SUFFIXES.items()}
_NONE = Preferences()


def preferences(body: dict[str, Any], *, suffix: str) -> Preferences:
    """The `provider` object; `suffix` is the model's (floor, nitro, free or none). Raises ApiError 400."""
    given = body.get("provider")
    if given is None:
        return _PLAIN.get(suffix, _NONE)
    if not isinstance(given, dict):
        raise invalid('`provider` must be an object such as {"order": ["name"]}.', param="provider")
    for key in given:
        if key not in _KEYS:
            raise _unknown(key)
    return Preferences(
        order=_names(given, "order"),
        only=_names(given, "only"),
        ignore=_names(given, "ignore"),
        allow_fallbacks=_flag(given, "allow_fallbacks", True),
        require_parameters=_flag(given, "require_parameters", False),
        sort=_one_of(given, "sort", SORTS) or SUFFIXES.get(suffix),
        deny_data_collection=_one_of(given, "data_collection", ("allow", "deny")) == "deny",
        zdr=_flag(given, "zdr", False),
        quantizations=_quantizations(given),
        max_price=_given(given, "max_price", max_price),
        throughput_min=_given(given, "preferred_min_throughput", percentiles) or (),
        latency_max=_given(given, "preferred_max_latency", percentiles) or (),
        free=suffix == "free",
    )


def _unknown(key: str) -> ApiError:
    param = f"provider.{key[:100]}"
    return invalid(f"`{param}` is not supported: known are {_KNOWN}.", param=param, code="unsupported_parameter")


def _given(given: dict[str, Any], key: str, read: Callable[[Any, str], T]) -> T | None:
    return None if given.get(key) is None else read(given[key], f"provider.{key}")


def _one_of(given: dict[str, Any], key: str, choices: tuple[str, ...]) -> str | None:
    value = given.get(key)
    if value is None or (isinstance(value, str) and value in choices):
        return value
    raise invalid(f"`provider.{key}` must be one of: {', '.join(choices)}.", param=f"provider.{key}")


def _names(given: dict[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > NAMES_MAX or not all(isinstance(name, str) for name in value):
        raise invalid(
            f"`provider.{key}` must be a list of at most {NAMES_MAX} provider names.", param=f"provider.{key}"
        )
    return tuple(name.casefold() for name in value)


def _quantizations(given: dict[str, Any]) -> tuple[str, ...]:
    names = _names(given, "quantizations")
    if strange := [name for name in names if name not in QUANTIZATIONS]:
        message = f"`provider.quantizations` has {strange[0][:40]!r}; known are {', '.join(QUANTIZATIONS)}."
        raise invalid(message, param="provider.quantizations")
    return names


def _flag(given: dict[str, Any], key: str, default: bool) -> bool:
    value = given.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(f"`provider.{key}` must be true or false.", param=f"provider.{key}")
    return value
