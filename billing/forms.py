"""Forms of billing: amounts are typed as USD and leave as nano-USD."""

from datetime import datetime, time
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone

from accounts import key_bounds as bounds
from accounts.models import ApiKey, LimitReset
from accounts.validators import visible
from billing.forms_usd import UsdField
from xroute.lib.money import nanousd_from_usd, usd_from_nanousd

RESETS = [
    (LimitReset.NEVER, "in all, never reset"),
    (LimitReset.DAILY, "a day (UTC)"),
    (LimitReset.WEEKLY, "a week (from Monday, UTC)"),
    (LimitReset.MONTHLY, "a month (UTC)"),
]
CALLS, MANAGES = "calls", "manages"
KINDS = [(CALLS, "calls models"), (MANAGES, "manages keys through the API, and calls no model")]
COUNTS = ("requests_per_minute", "tokens_per_minute", "parallel_requests")
LISTS = ("allowed_models", "allowed_cidrs")
GRACES = {"0": 0, "1": 3600, "24": 86400, "168": 7 * 86400}


class TopUpForm(forms.Form):
    """An amount to buy: one of the usual ones, or any between the bounds, in whole cents."""

    amount = forms.ChoiceField(choices=[("5", "$5"), ("20", "$20"), ("100", "$100"), ("other", "Other")])
    other = UsdField(required=False)
    save_card = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("amount") == "other" and found.get("other") is None and "other" not in self.errors:
            self.add_error("other", "Type an amount in USD, such as 50 or 12.50.")
        return found

    @property
    def cents(self) -> int:
        """What was chosen; whether it is within the bounds is for checkout_start to say."""
        chosen = self.cleaned_data["amount"]
        return int((self.cleaned_data["other"] if chosen == "other" else Decimal(chosen)) * 100)


def _most(label: str, most: int) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=1, max_value=most, label=label, help_text="Empty: no limit.")


def _lines(label: str, hint: str) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"})
    return forms.CharField(required=False, max_length=20_000, label=label, help_text=hint, widget=widget)


class KeyForm(forms.Form):
    """Name, limit with reset, expiry, how much at a time, and for what."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        validators=[visible],
        help_text="Where it is used, such as “Website” or “Anna's laptop”.",
    )
    limit = UsdField(
        required=False,
        min_value=Decimal("0.000001"),
        max_value=bounds.LIMIT_USD_MAX,
        max_digits=15,
        decimal_places=6,
        label="Limit in USD",
        help_text="Calls are refused once the key has spent this. Empty: only the workspace's credit limits it.",
    )
    limit_reset = forms.ChoiceField(choices=RESETS, initial=LimitReset.NEVER, label="The limit is")
    expires_on = forms.DateField(
        required=False,
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The key works until the end of this day, in your time zone. Empty: it does not expire.",
    )

    requests_per_minute = _most("Requests a minute", bounds.REQUESTS_MAX)
    tokens_per_minute = _most("Tokens a minute", bounds.TOKENS_MAX)
    parallel_requests = _most("Requests at once", bounds.PARALLEL_MAX)
    allowed_models = _lines(
        "Allowed models",
        "One a line, such as openai/gpt-5; also what a call falls back to must be among them. Empty: all.",
    )
    allowed_cidrs = _lines(
        "Allowed addresses", "One a line: an IP address, or a network such as 192.0.2.0/24. Empty: from anywhere."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            style = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs.setdefault("class", style)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_expires_on(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError("This day is over. Choose today or a later one.")
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))

    def clean_allowed_models(self) -> list[str]:
        """Each once; whether they exist is for the page to say, which knows the catalogue."""
        found = list(dict.fromkeys(self.cleaned_data["allowed_models"].replace(",", " ").split()))
        if len(found) > bounds.LIST_MAX:
            raise forms.ValidationError(f"At most {bounds.LIST_MAX} models can be named.")
        return found

    def clean_allowed_cidrs(self) -> list[str]:
        try:
            return bounds.networks(self.cleaned_data["allowed_cidrs"].replace(",", " ").split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def values(self) -> dict[str, Any]:
        """The keyword arguments of api_key_create and api_key_change."""
        found = self.cleaned_data
        return {
            "name": found["name"],
            "limit_nanousd": None if found["limit"] is None else nanousd_from_usd(found["limit"]),
            "limit_reset": found["limit_reset"] if found["limit"] is not None else LimitReset.NEVER.value,
            "expires_at": found["expires_on"],
            **{name: found[name] for name in (*COUNTS, *LISTS)},
        }


class NewKeyForm(KeyForm):
    """The same for a key that is not there yet: however often the form is sent, it makes one.

    A `manager` (owner or admin) may also make one that manages keys.
    """

    nonce = forms.UUIDField(
        required=False,
        initial=uuid4,
        widget=forms.HiddenInput,
        error_messages={"invalid": "This form has gone stale. Load the page anew and fill it in again."},
    )

    kind = forms.ChoiceField(choices=KINDS, initial=CALLS, required=False, label="The key")

    def __init__(self, *args: Any, manager: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not manager:
            del self.fields["kind"]

    def values(self) -> dict[str, Any]:
        manages = self.cleaned_data.get("kind") == MANAGES
        return super().values() | {"form_nonce": self.cleaned_data["nonce"], "is_management": manages}


def key_initial(key: ApiKey) -> dict[str, Any]:
    """What the form shows of a key."""
    return {
        "name": key.name,
        "limit": None if key.limit_nanousd is None else f"{usd_from_nanousd(key.limit_nanousd).normalize():f}",
        "limit_reset": key.limit_reset,
        "expires_on": None if key.expires_at is None else timezone.localdate(key.expires_at),
        **{name: getattr(key, name) for name in COUNTS},
        **{name: "\n".join(getattr(key, name)) for name in LISTS},
    }
