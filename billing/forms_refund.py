"""The form of a refund."""

from decimal import Decimal

from django import forms

from billing.forms_usd import UsdField
from xroute.lib.ids import new_id


class RefundForm(forms.Form):
    """How much, in USD with whole cents, and why. The nonce becomes the refund's id: sent twice, it is one refund."""

    amount = UsdField(min_value=Decimal("0.01"))
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"})
    )

    nonce = forms.UUIDField(required=False, initial=new_id, widget=forms.HiddenInput)

    @property
    def cents(self) -> int:
        """What was typed."""
        return int(self.cleaned_data["amount"] * 100)
