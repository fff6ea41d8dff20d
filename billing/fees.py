"""What a top-up costs besides its credit: our fee, in whole cents, rounded up. Tax is Stripe's to reckon."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class TopUpFee:
    """`ppm`: parts per million of the credit bought, as an integer; `min_cents`: at least that."""

    ppm: int
    min_cents: int
    percent: Decimal
    taxed: bool = False

    @property
    def percent_text(self) -> str:
        return f"{self.percent.normalize():f}"

    @property
    def min_text(self) -> str:
        return f"{self.min_cents / 100:,.2f}"

    def __bool__(self) -> bool:
        return bool(self.ppm or self.min_cents)

    def cents(self, amount_cents: int) -> int:
        """The fee on `amount_cents` of credit."""
        return max(-(-amount_cents * self.ppm // 1_000_000), self.min_cents)


def top_up_fee() -> TopUpFee:
    """The fee as this installation sets it."""
    percent: Decimal = settings.XROUTE_TOP_UP_FEE_PERCENT
    return TopUpFee(
        int(percent * PPM_PER_PERCENT), settings.XROUTE_TOP_UP_FEE_MIN_CENTS, percent, settings.XROUTE_STRIPE_TAX
    )
