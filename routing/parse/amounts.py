"""Prices and percentiles as routing's words carry them."""

from decimal import Decimal, InvalidOperation
from typing import Any

from routing.types import MaxPrice
from xroute.lib.errors import ApiError, invalid

PERCENTILES = ("p50", "p75", "p90", "p99")
PRICED = ("prompt", "completion", "request", "image")
USD_MAX, WISH_MAX = Decimal(1_000_000), 1e9
NANO, MILLION = 1_000_000_000, 1_000_000


def max_price(value: Any, param: str) -> MaxPrice:
    """USD per million tokens, or per request and image, as numbers or decimal strings. Raises ApiError 400."""
    if not isinstance(value, dict):
        raise invalid(f'`{param}` must be an object such as {{"prompt": 1, "completion": 2}}.', param=param)
    for key in value:
        if key not in PRICED:
            raise _unknown(param, key, PRICED)
    found = {key: _usd(value[key], f"{param}.{key}") for key in value if value[key] is not None}
    # Tokens are priced by the million already.
    nano = {key: int(usd * NANO * (1 if key in PRICED[:2] else MILLION)) for key, usd in found.items()}
    return MaxPrice(**nano)


def _usd(value: Any, param: str) -> Decimal:
    usd = None
    if isinstance(value, str | int | float) and not isinstance(value, bool) and len(str(value)) <= 40:
        try:
            usd = Decimal(str(value))
        except InvalidOperation:
            pass
    if usd is None or not usd.is_finite() or not 0 <= usd <= USD_MAX:
        raise invalid(f"`{param}` must be an amount in USD from 0 to {USD_MAX}, such as 0.5.", param=param)
    return usd


def percentiles(value: Any, param: str) -> tuple[tuple[str, float], ...]:
    """A number (for the median) or an object of percentiles. Raises ApiError 400."""
    if not isinstance(value, dict):
        return (("p50", _wish(value, param)),)
    for key in value:
        if key not in PERCENTILES:
            raise _unknown(param, key, PERCENTILES)
    return tuple((key, _wish(value[key], f"{param}.{key}")) for key in value if value[key] is not None)


def _wish(value: Any, param: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= WISH_MAX:
        return float(value)
    raise invalid(f'`{param}` must be a number above 0, or an object such as {{"p90": 2}}.', param=param)


def _unknown(param: str, key: str, known: tuple[str, ...]) -> ApiError:
    where = f"{param}.{key[:100]}"
    return invalid(f"`{where}` is not supported: known are {', '.join(known)}.", param=where)
