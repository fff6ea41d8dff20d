"""Every form takes money by one field, and that takes what people write and no more."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms

from billing.forms_usd import UsdField

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", "5"), (" 12.50 ", "12.50"), ("$1,250.00", "1250.00"), ("1,234,567", "1234567"), (".5", "0.5"), ("$ 3", "3")],
)
def test_amounts_as_people_write_them(text, value):
    assert UsdField().clean(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        *("1e5", "1E2", "1,50", "12,34,567", "1 000", "1_000", "\u0665", "\uff15", "NaN", "Infinity", "+5", "5."),
        *("0x10", "€5", "--5", "1" * 50, "5 USD", "5\x00"),
    ],
)
def test_what_could_mean_something_else_is_refused_with_the_remedy(text):
    with pytest.raises(forms.ValidationError, match=r"is not an amount of USD\. Write it as 1250, 12\.50 or \$1,250"):
        UsdField().clean(text)


def test_no_more_places_than_the_field_has():
    with pytest.raises(forms.ValidationError, match="2 decimal places"):
        UsdField().clean("1.234")
    assert UsdField(decimal_places=9, max_digits=16).clean("-0.000000001") == Decimal("-1e-9")


@pytest.mark.parametrize("text", ["", "  ", None])
def test_nothing_is_nothing(text):
    assert UsdField(required=False).clean(text) is None
    with pytest.raises(forms.ValidationError, match="required"):
        UsdField().clean(text)


def test_no_form_has_a_decimal_field_of_its_own():
    found = []
    for place in ("accounts", "billing", "routing", "xroute"):
        for path in (ROOT / place).rglob("*.py"):
            if {"migrations", "models"} & set(path.parts) or path.name == "forms_usd.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in ("DecimalField", "FloatField", "NumberInput"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
