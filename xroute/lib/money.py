"""Money is a whole number of nano-USD (1e-9 USD). Only this module turns it into anything else."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

NANOUSD_PER_USD = 1_000_000_000


def nanousd_from_usd(value: str | Decimal) -> int:
    """Exact nano-USD of a decimal USD amount; raises ValueError where it is finer than a nano-USD."""
    try:
        amount = Decimal(value) * NANOUSD_PER_USD
    except InvalidOperation:
        raise ValueError(f"{value!r} is not an amount of USD, such as 12.50.") from None
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
