"""Forms of routing's pages."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from accounts.validators import visible
from routing.models import Provider
from routing.pages.providers import catalogue_providers


class ProviderKeyForm(forms.Form):
    """A key of a provider of the catalogue. It is never shown again, so a form that failed comes back without it."""

    provider = forms.ModelChoiceField(
        queryset=Provider.objects.none(), to_field_name="slug", empty_label=None, label="Provider"
    )
    name = forms.CharField(
        label="Name",
        max_length=100,
        required=False,
        validators=[visible],
        help_text="For yourself. Empty: it is called Key.",
    )
    secret = forms.CharField(
        label="Key",
        max_length=1000,
        min_length=8,
        validators=[RegexValidator(r"^[\x21-\x7e]+\Z", "A key has no spaces and only plain characters.")],
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Stored encrypted, and never shown again but for its last four characters.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["provider"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = catalogue_providers()
            choice.widget.attrs["data-slot"] = "provider"  # a row's own button chooses it (static/js/app.js)
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("class", "form-select" if name == "provider" else "form-control")


class StoredCheckForm(forms.Form):
    """Which key to test that is there already: a stored one, else the environment's."""

    provider = forms.SlugField(max_length=60)
    credential = forms.IntegerField(required=False, min_value=1, max_value=2**62)
