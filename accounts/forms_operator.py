"""Forms of the installation: the first operator's account, and what the installation is called and who may come in."""

import re
from email.utils import formataddr, parseaddr
from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator, validate_email
from django.http.request import split_domain_port, validate_host

from accounts.installation import VARIABLES, Site
from accounts.models import User
from accounts.validators import address_length, visible
from xroute.lib.env import SIGNUP_FORM

PASSWORD_LENGTH_MIN = 10
LOGO_BYTES_MAX = 100 * 1024
SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
SIGNUP_CHOICES = (
    ("open", "Anyone"),
    ("invite", "Only people with an invitation"),
    ("domain", "Anyone with an address of these domains"),
    ("closed", "Nobody"),
)


class OperatorForm(forms.Form):
    """The first operator's account."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        validators=[address_length],
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        min_length=PASSWORD_LENGTH_MIN,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=f"At least {PASSWORD_LENGTH_MIN} characters. Three or four unrelated words are good.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("email") and values.get("password"):
            try:
                validate_password(values["password"], User(email=values["email"]))
            except ValidationError as error:
                self.add_error("password", error)
        return values


class InstallationForm(forms.Form):
    """What Operator → Settings and the set-up's steps edit; `only` names the fields of one step.

    `values_out` are texts as models.Installation keeps them. What the environment fixes is shown and not taken.
    """

    site_name = forms.CharField(
        label="Name",
        max_length=60,
        validators=[visible],
        help_text="Shown on every page, in mails and on receipts.",
    )
    accent = forms.CharField(
        label="Accent colour",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", "Give a colour such as #0f766e.")],
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text="Of buttons and links. On dark ground a lighter tone of it is used.",
    )
    logo = forms.FileField(
        label="Logo",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="PNG, JPEG or WebP, up to 100 kB. It is shown 26 pixels high.",
    )
    public_url = forms.CharField(
        label="Public address",
        max_length=200,
        widget=forms.URLInput(attrs={"inputmode": "url"}),
        help_text="Where people and programs reach this installation, such as https://api.acme.org. "
        "Links in mails and the code examples use it.",
    )
    support_email = forms.EmailField(
        label="Support address",
        required=False,
        max_length=254,
        help_text="Whom people are told to ask. Empty: no one is named.",
    )
    signup = forms.ChoiceField(label="Who may sign up", choices=SIGNUP_CHOICES, widget=forms.RadioSelect)
    signup_domains = forms.CharField(
        label="Domains", max_length=100, required=False, help_text="Such as acme.org; several with commas between them."
    )
    terms_url = forms.URLField(
        label="Terms of use",
        required=False,
        max_length=300,
        assume_scheme="https",
        help_text="When set, people tick that they accept them when they sign up, and the time is kept.",
    )
    privacy_url = forms.URLField(label="Privacy policy", required=False, max_length=300, assume_scheme="https")
    from_email = forms.CharField(
        label="Sender of mails",
        max_length=300,
        help_text="An address, or a name with one: Acme AI <ai@acme.org>. Your mail server must accept it.",
    )

    def __init__(self, *args: Any, site: Site, only: tuple[str, ...] = (), **kwargs: Any) -> None:
        mode, _, domains = site.signup.partition(":")
        initial = {name: getattr(site, name) for name in VARIABLES} | {"signup": mode, "signup_domains": domains}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if only and name not in only]:
            del self.fields[name]
        for name, field in self.fields.items():
            stored = {"logo": "logo_url", "signup_domains": "signup"}.get(name, name)
            if stored in site.fixed:
                field.disabled, field.required = True, False
                field.help_text = f"Set by {VARIABLES[stored]} in the environment; change it there."
        dress(self)

    def clean_public_url(self) -> str:
        value = str(self.cleaned_data["public_url"]).strip().rstrip("/")
        if self.fields["public_url"].disabled:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
            raise ValidationError("Give an address such as https://api.acme.org, without a path.")
        if parts.username or not validate_host(split_domain_port(parts.netloc)[0], settings.ALLOWED_HOSTS):
            raise ValidationError(f"{parts.hostname} is not in ALLOWED_HOSTS, so this installation would not answer.")
        return value

    def clean_from_email(self) -> str:
        value = str(self.cleaned_data["from_email"])
        if self.fields["from_email"].disabled:
            return value
        if not value.isprintable():
            raise ValidationError("Give one line: an address, or a name with one.")
        name, address = parseaddr(value)
        validate_email(address)
        return formataddr((name, address)) if name else address

    def clean_logo(self) -> bytes | None:
        """The picture's bytes; its type is what its first bytes say, whatever its name is."""
        upload = cast("UploadedFile[Any] | None", self.cleaned_data["logo"])
        if upload is None or self.fields["logo"].disabled:
            return None
        if (upload.size or 0) > LOGO_BYTES_MAX:
            raise ValidationError("This picture is larger than 100 kB. Make it smaller and try again.")
        content = bytes(upload.read())
        if not picture_type(content):
            raise ValidationError("This is no PNG, JPEG or WebP picture.")
        return content

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("signup") == "domain" and not self.fields["signup"].disabled:
            domains = ",".join(word for word in re.split(r"[\s,]+", values.get("signup_domains", "").lower()) if word)
            values["signup_domains"] = domains
            if not SIGNUP_FORM.fullmatch(f"domain:{domains}"):
                self.add_error("signup_domains", "Name at least one domain, such as acme.org.")
        return values

    @property
    def values_out(self) -> dict[str, str]:
        values = dict(self.cleaned_data)
        values.pop("logo", None)
        domains = values.pop("signup_domains", "")
        if values.get("signup") == "domain":
            values["signup"] = f"domain:{domains}"
        if values.get("public_url") == settings.PUBLIC_URL:
            values["public_url"] = ""  # the default follows PORT; a stored one would not
        return {name: value for name, value in values.items() if not self.fields[name].disabled}


def picture_type(content: bytes) -> str:
    """The media type of a picture that we serve, or nothing."""
    return next((kind for signature, kind in SIGNATURES if signature.match(content)), "")


def dress(form: forms.Form) -> None:
    """Our classes on every field."""
    for field in form.fields.values():
        if not isinstance(field.widget, forms.RadioSelect):
            field.widget.attrs.setdefault("class", "form-control")
