"""The form of auto top-up: amounts are typed as USD."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from billing.fees import top_up_fee
from billing.forms_usd import UsdField
from billing.models import AutoTopUp
from xroute.lib.money import cents_words, nanousd_from_usd, usd_from_nanousd

CAP_USD_MAX = 1_000_000


class AutoTopUpForm(forms.Form):
    """On or off, below which level, how much, and how much a month at most (with fee and tax)."""

    enabled = forms.BooleanField(required=False, label="Buy credit by itself")
    threshold = UsdField(
        label="When less than this is left, in USD",
        min_value=Decimal("0.01"),
        help_text="No more than the amount that is bought, so that one top-up is enough.",
    )
    amount = UsdField(label="Buy this much credit, in USD")
    cap = UsdField(
        label="At most this much a month, in USD",
        max_value=CAP_USD_MAX,
        help_text="Charges of a calendar month (UTC), fee and tax included. Nothing above it is charged.",
    )

    def __init__(self, *args: Any, has_card: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_card = has_card
        low, high = settings.TOP_UP_CENTS_MIN / 100, settings.TOP_UP_CENTS_MAX / 100
        self.fields["amount"].help_text = f"From ${low:,.2f} to ${high:,.2f}."
        for name in ("threshold", "amount", "cap"):
            self.fields[name].widget.attrs["aria-describedby"] = f"{name}-hint"

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("enabled") and not self.has_card:
            self.add_error("enabled", "Save a card first: buy credit once, and tick that the card is saved.")
        amount, threshold, cap = (found.get(name) for name in ("amount", "threshold", "cap"))
        if amount is not None:
            self._amount(amount)
            if threshold is not None and threshold > amount:
                self.add_error("threshold", "Choose no more than the amount that is bought.")
            if cap is not None and cap * 100 < (least := int(amount * 100) + top_up_fee().cents(int(amount * 100))):
                self.add_error("cap", f"Choose at least {cents_words(least)}: one top-up with its fee.")
        return found

    def _amount(self, amount: Decimal) -> None:
        low, high = settings.TOP_UP_CENTS_MIN, settings.TOP_UP_CENTS_MAX
        if not low <= amount * 100 <= high:
            self.add_error("amount", f"Choose an amount from {cents_words(low)} to {cents_words(high)}.")

    def values(self) -> dict[str, Any]:
        """The keyword arguments of auto_top_up_save."""
        found = self.cleaned_data
        return {
            "enabled": found["enabled"],
            "threshold_nanousd": nanousd_from_usd(found["threshold"]),
            "amount_cents": int(found["amount"] * 100),
            "monthly_cap_cents": int(found["cap"] * 100),
        }


def auto_initial(chosen: AutoTopUp | None) -> dict[str, Any]:
    """What the form shows: what was chosen, else something sensible."""
    if chosen is None:
        return {"enabled": False, "threshold": Decimal("10.00"), "amount": Decimal("20.00"), "cap": Decimal("100.00")}
    return {
        "enabled": chosen.enabled,
        "threshold": usd_from_nanousd(chosen.threshold_nanousd).quantize(Decimal("0.01")),
        "amount": Decimal(chosen.amount_cents).scaleb(-2),
        "cap": Decimal(chosen.monthly_cap_cents).scaleb(-2),
    }
