"""The field that every form takes an amount of money with."""

from decimal import Decimal
from typing import Any

from django import forms

from xroute.lib.money import usd_parse


class UsdField(forms.DecimalField):
    """USD as people write them (xroute/lib/money.py: usd_parse), whole cents unless `decimal_places` says otherwise.

    A text input: of a number input browsers send nothing at all where they do not like what was typed.
    """

    def __init__(self, *, decimal_places: int = 2, max_digits: int = 9, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"class": "form-control"}))
        super().__init__(decimal_places=decimal_places, max_digits=max_digits, **kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # as DecimalField's own
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        try:
            return usd_parse(text)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="invalid") from None
