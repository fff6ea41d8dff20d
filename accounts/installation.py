"""What this installation is called and how it may be entered: the environment first, then the operator's choice.

    XROUTE_SITE_NAME  XROUTE_SIGNUP  XROUTE_SUPPORT_EMAIL  XROUTE_LOGO_URL  XROUTE_ACCENT  XROUTE_TERMS_URL
    XROUTE_PRIVACY_URL  PUBLIC_URL  DEFAULT_FROM_EMAIL

A name that is set in the environment cannot be changed in the browser (`fixed`).
"""

import time
from dataclasses import dataclass, fields

from django.conf import settings

from accounts.models import Installation

CACHE_S = 5.0


@dataclass(frozen=True, slots=True)
class Site:
    """The values in force. `fixed` names those that the environment sets."""

    site_name: str
    public_url: str
    signup: str
    from_email: str
    support_email: str
    logo_url: str
    accent: str
    terms_url: str
    privacy_url: str
    fixed: frozenset[str] = frozenset()


DEFAULTS = {"site_name": "XRoute", "signup": "open", "accent": "#0f766e", "from_email": "XRoute <xroute@localhost>"}
VARIABLES = {
    "site_name": "XROUTE_SITE_NAME",
    "public_url": "PUBLIC_URL",
    "signup": "XROUTE_SIGNUP",
    "from_email": "DEFAULT_FROM_EMAIL",
    "support_email": "XROUTE_SUPPORT_EMAIL",
    "logo_url": "XROUTE_LOGO_URL",
    "accent": "XROUTE_ACCENT",
    "terms_url": "XROUTE_TERMS_URL",
    "privacy_url": "XROUTE_PRIVACY_URL",
}
_cached: tuple[float, Site] | None = None


def site() -> Site:
    """The values in force, at most five seconds old."""
    global _cached
    now = time.monotonic()
    if _cached is None or now - _cached[0] > CACHE_S:
        _cached = (now, _read())
    return _cached[1]


def site_forget() -> None:
    """What was read is old: the operator has just changed it."""
    global _cached
    _cached = None


def _read() -> Site:
    row = Installation.objects.filter(pk=1).first()
    values: dict[str, str] = {}
    for name in (field.name for field in fields(Site) if field.name != "fixed"):
        fixed: str = settings.XROUTE_INSTALLATION.get(name, "")
        values[name] = fixed or (getattr(row, name) if row else "") or DEFAULTS.get(name, "")
    values["public_url"] = (values["public_url"] or settings.PUBLIC_URL).rstrip("/")
    return Site(**values, fixed=frozenset(name for name, value in settings.XROUTE_INSTALLATION.items() if value))
