"""What of a payment goes back with a part of it: credit, fee and tax, exact to the nano-USD. Pure.

The sums over all that went back are what counts: fee and tax of them are rounded down, credit is the rest, and the
last cent brings all three to the payment's whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass

NANOUSD_PER_CENT = 10_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """Nano-USD of a gross amount: what was credited, our fee, tax."""

    credit: int = 0
    fee: int = 0
    tax: int = 0

    @property
    def gross(self) -> int:
        return self.credit + self.fee + self.tax

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(self.credit + other.credit, self.fee + other.fee, self.tax + other.tax)


def parts_sum(found: Iterable[Parts]) -> Parts:
    """All of them."""
    return sum(found, Parts())


def parts_of(*, whole: Parts, taken: Parts, gross: int) -> Parts:
    """The parts of `gross` nano-USD more, where `taken` of the payment's `whole` has gone back already.

    Raises ValueError where that would be more than the payment.
    """
    reached = taken.gross + gross
    if gross < 0 or reached > whole.gross:
        raise ValueError(f"{reached} nano-USD is more than the payment's {whole.gross}")
    fee = min(gross, max(0, whole.fee * reached // whole.gross - taken.fee)) if gross else 0
    tax = min(gross - fee, max(0, whole.tax * reached // whole.gross - taken.tax)) if gross else 0
    return Parts(gross - fee - tax, fee, tax)


def cents_within(*, whole: Parts, taken: Parts, credit: int) -> int:
    """The most whole cents that can go back without taking more than `credit` nano-USD of credit."""
    low, high = 0, (whole.gross - taken.gross) // NANOUSD_PER_CENT
    while low < high:
        middle = (low + high + 1) // 2
        if parts_of(whole=whole, taken=taken, gross=middle * NANOUSD_PER_CENT).credit <= credit:
            low = middle
        else:
            high = middle - 1
    return low
