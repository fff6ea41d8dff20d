"""Money is a whole number of nano-USD (1e-9 USD). Only this module turns it into anything else."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

NANOUSD_PER_USD = 1_000_000_000
TEXT_MAX = 40
PLAIN = re.compile(r"([-−]?) ?\$? ?((?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?|\.[0-9]+)")


def usd_parse(text: str) -> Decimal:
    """USD that a person typed: 1250, 12.50, $1,250.00 or -5. Raises ValueError, which says how to write it.

    No exponent, no comma for a point, no digit but 0 to 9: whoever writes 1e5 or 1,50 may mean something else.
    """
    found = PLAIN.fullmatch(text.strip()) if len(text) <= TEXT_MAX else None
    if found is None:
        raise ValueError(f"{text[:TEXT_MAX]!r} is not an amount of USD. Write it as 1250, 12.50 or $1,250.00.")
    minus, digits = found.groups()
    return Decimal(("-" if minus else "") + digits.replace(",", ""))


def nanousd_from_usd(value: str | Decimal) -> int:
    """Exact nano-USD of a decimal USD amount; raises ValueError where it is finer than a nano-USD."""
    amount = (usd_parse(value) if isinstance(value, str) else value) * NANOUSD_PER_USD
    if not amount.is_finite() or amount != amount.to_integral_value(ROUND_HALF_EVEN):
        raise ValueError(f"{value!r} is not a whole number of nano-USD.")
    return int(amount)


def usd_from_nanousd(nanousd: int) -> Decimal:
    """Exact USD."""
    return Decimal(nanousd) / NANOUSD_PER_USD


def usd_float(nanousd: int) -> float:
    """USD for JSON, where clients expect a number; 15 digits are kept, so cents never differ below 1e6 USD."""
    return nanousd / NANOUSD_PER_USD


def usd_text(nanousd: int) -> str:
    """USD for people: at least two decimals, no trailing zeros beyond them. 1_500_000_000 → '1.50'."""
    whole, _, fraction = f"{usd_from_nanousd(nanousd):.9f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def usd_words(nanousd: int) -> str:
    """USD in a sentence, on a page or in a mail: 1_234_500_000_000 → '$1,234.50', a debt with a true minus."""
    whole, _, fraction = usd_text(abs(nanousd)).partition(".")
    return f"{'−' if nanousd < 0 else ''}${int(whole):,}.{fraction}"


def cents_words(cents: int) -> str:
    """The same of cents."""
    return f"{'−' if cents < 0 else ''}${abs(cents) / 100:,.2f}"
