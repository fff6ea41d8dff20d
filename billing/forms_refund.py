"""The form of a refund."""

from decimal import Decimal

from django import forms

from xroute.lib.ids import new_id


class RefundForm(forms.Form):
    """How much, in USD with whole cents, and why. The nonce becomes the refund's id: sent twice, it is one refund."""

    amount = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_digits=9,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"class": "form-control", "step": "0.01", "inputmode": "decimal"}),
    )
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"})
    )

    nonce = forms.UUIDField(required=False, initial=new_id, widget=forms.HiddenInput)

    @property
    def cents(self) -> int:
        """What was typed."""
        return int(self.cleaned_data["amount"] * 100)
