"""Forms of billing details, of the alert's level and of codes."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from billing.countries import choices
from billing.forms_usd import UsdField
from billing.models import BillingDetails
from xroute.lib.money import nanousd_from_usd, usd_from_nanousd

TAX_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./&-]{2,38}[A-Za-z0-9]")


class BillingDetailsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """All of it may be empty."""

    country = forms.ChoiceField(required=False, choices=[("", "–"), *choices()], label="Country")

    class Meta:
        model = BillingDetails
        fields = ("name", "line1", "line2", "postal_code", "city", "state", "country", "tax_number")
        labels = {
            "name": "Name or company",
            "line1": "Street and number",
            "line2": "More of the address",
            "postal_code": "Postal code",
            "city": "City",
            "state": "State or region",
            "tax_number": "Tax number",
        }
        help_texts = {
            "name": "Empty: the workspace's name.",
            "tax_number": "Such as DE123456789. It is printed as you type it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            style = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs["class"] = style
        fills = {"name": "organization", "line1": "address-line1", "line2": "address-line2", "city": "address-level2"}
        fills |= {"postal_code": "postal-code", "state": "address-level1", "country": "country"}
        for name, word in fills.items():
            self.fields[name].widget.attrs["autocomplete"] = word

    def clean_tax_number(self) -> str:
        number: str = self.cleaned_data["tax_number"].strip()
        if number and not TAX_NUMBER.fullmatch(number):
            raise forms.ValidationError("A tax number has 4 to 40 letters, digits, spaces, dots, slashes and hyphens.")
        return number


class AlertForm(forms.Form):
    """A level in USD, or nothing."""

    level = UsdField(
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
        label="Mail when less than this is left, in USD",
        help_text="To owners and admins, once, until there is more again. Empty: never. $5 is a good start.",
    )

    @property
    def nanousd(self) -> int | None:
        level = self.cleaned_data["level"]
        return None if level is None else nanousd_from_usd(level)


class CodeForm(forms.Form):
    code = forms.CharField(max_length=60, label="Code", widget=forms.TextInput(attrs={"class": "form-control"}))


def level_initial(level_nanousd: int | None) -> dict[str, Any]:
    """What the form shows."""
    return {} if level_nanousd is None else {"level": f"{usd_from_nanousd(level_nanousd):.2f}"}
