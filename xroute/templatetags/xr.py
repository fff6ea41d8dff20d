"""How pages write money, counts, times and icons."""

import json
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from pathlib import Path

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from xroute.lib.money import cents_words, usd_from_nanousd, usd_words

register = template.Library()
ICONS = Path(__file__).resolve().parents[2] / "static" / "vendor" / "tabler-icons"
UNITS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))


@register.filter
def usd(nanousd: int | None) -> str:
    """Exact USD: 1_500_000_000 → $1.50, 120 → $0.00000012."""
    return "–" if nanousd is None else usd_words(int(nanousd))


@register.filter
def cents(number: int) -> str:
    """Cents as USD: -1234 → −$12.34."""
    return cents_words(int(number))


@register.filter
def usd_short(nanousd: int | None) -> str:
    """A balance or limit for a glance: cut, so that it never shows more than there is, nor a smaller debt."""
    return "–" if nanousd is None else _glance(nanousd, ROUND_FLOOR)


@register.filter
def cost_short(nanousd: int | None) -> str:
    """A cost for a glance, rounded: cents from one dollar on, three significant digits below."""
    return "–" if nanousd is None else _glance(nanousd, ROUND_HALF_EVEN)


def _glance(nanousd: int, rounding: str) -> str:
    exact = usd_from_nanousd(int(nanousd))
    rounded = exact.quantize(_step(exact), rounding)
    return f"{_sign(nanousd)}${abs(rounded.quantize(_step(rounded))):,f}"  # 0.9998 has become 1.000: cents do


def _step(value: Decimal) -> Decimal:
    places = 2 if value == 0 or abs(value) >= 1 else min(9, 2 - value.adjusted())
    return Decimal(1).scaleb(-places)


def _sign(nanousd: int) -> str:
    return "−" if nanousd < 0 else ""


@register.filter
def per_million(price: int | None) -> str:
    """A price (nano-USD per million) as USD per million tokens."""
    return "–" if price is None else usd_words(price)


@register.filter
def count(number: int | None) -> str:
    """Whole, with thousands separators."""
    return "–" if number is None else f"{int(number):,}"


@register.filter
def compact(number: int | None) -> str:
    """Three digits and a unit: 128_000 → 128k."""
    if number is None:
        return "–"
    for size, unit in UNITS:
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


@register.filter
def moment(value: datetime | None) -> SafeString:
    """A time in the viewer's zone, with the exact one on hover."""
    if value is None:
        return mark_safe("–")
    local = timezone.localtime(value)
    now = timezone.localtime()
    form = "%H:%M" if local.date() == now.date() else "%-d %b %H:%M" if local.year == now.year else "%-d %b %Y"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        local.strftime("%A %-d %B %Y, %H:%M:%S %Z"),
        local.strftime(form),
    )


@lru_cache(maxsize=200)
def _drawing(name: str) -> str:
    return (ICONS / f"{name}.svg").read_text().strip()


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """An icon that says nothing to a screen reader: the words beside it do."""
    return format_html(
        '<svg class="xr-icon" width="{}" height="{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        size,
        size,
        mark_safe(_drawing(name)),  # noqa: S308
    )


@register.simple_tag(takes_context=True)
def nav_current(context: template.Context, prefix: str) -> str:
    """' active' where the page lies under `prefix`."""
    request = context.get("request")
    return " active" if request is not None and request.path.startswith(prefix) else ""


@register.filter
def pretty_json(value: object) -> str:
    """JSON with a line for each value."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
