"""Forms of the operator's money pages. Amounts are typed as USD and leave as nano-USD."""

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from billing.forms_usd import UsdField
from billing.models import AdjustmentKind
from xroute.lib.money import nanousd_from_usd

USD_MAX = 1_000_000
KINDS = [
    (AdjustmentKind.GRANT, "Grant: promotional credit, spent first"),
    (AdjustmentKind.CORRECTION, "Correction: add, or take with a minus"),
    (AdjustmentKind.WRITE_OFF, "Write-off: forgive what is owed"),
]


class AdjustmentForm(forms.Form):
    """`nonce` is made with the form, and becomes the adjustment's id: a form sent twice moves once."""

    nonce = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=KINDS, label="What")
    amount = UsdField(min_value=-USD_MAX, max_value=USD_MAX, max_digits=16, decimal_places=9, label="Amount in USD")
    reason = forms.CharField(max_length=500, label="Why")

    @property
    def values(self) -> dict[str, Any]:
        """Keyword arguments of adjustment_preview and adjustment_make."""
        found = self.cleaned_data
        amount = nanousd_from_usd(found["amount"])
        return {"kind": found["kind"], "amount_nanousd": amount, "reason": found["reason"]}


class CodeForm(forms.Form):
    """A promotion code; an empty name is generated."""

    code = forms.CharField(required=False, max_length=40, label="Code")
    amount = UsdField(min_value=Decimal("0.01"), max_value=USD_MAX, max_digits=12, label="Credit in USD")
    uses_max = forms.IntegerField(required=False, min_value=1, max_value=1_000_000, label="Uses in all")
    expires_on = forms.DateField(
        required=False, label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    credit_days = forms.IntegerField(required=False, min_value=1, max_value=3650, label="Credit ends after days")
    note = forms.CharField(required=False, max_length=200, label="Note")

    def clean_expires_on(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError("This day is over. Choose today or a later one.")
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))
