"""What a load changes, in words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from routing.loading.entries import PRICE_FIELDS, Price
from xroute.lib.money import usd_from_nanousd


@dataclass(slots=True)
class Diff:
    """One line each. `changed`: facts of rows; `kept`: what the operator changed, and so stays as it is."""

    added: list[str] = field(default_factory=list)
    repriced: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def price_change(old: Price, new: Price) -> str:
    """The classes whose price differs: old → new in USD per million, and by how many per cent."""
    return ", ".join(_changes(old, new))


def _changes(old: Price, new: Price) -> Iterator[str]:
    for name in PRICE_FIELDS:
        before, after = old[name], new[name]
        if before != after:
            share = f" ({(Decimal(after or 0) / before - 1) * 100:+.1f} %)" if before and after is not None else ""
            yield f"{name} {_usd(before)} → {_usd(after)} USD/M{share}"


def _usd(price: int | None) -> str:
    return "none" if price is None else f"{usd_from_nanousd(price).normalize():f}"
