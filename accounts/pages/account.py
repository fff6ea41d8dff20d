"""/account/: a person's own page."""

import zoneinfo
from functools import lru_cache
from pathlib import Path
from typing import cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import workspace_show
from accounts.forms import PersonForm
from accounts.middleware import zone_name_of
from accounts.models import User
from accounts.services_people import person_update


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Name and time zone; from here to password, address, second factors and sessions."""
    workspace_show(request)
    user = cast(User, request.user)
    form = PersonForm(request.POST or None, initial={"name": user.name, "time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        person_update(user=user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("account")
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    values = {
        "form": form,
        "zones": _zones_with(str(form["time_zone"].value() or "")),
        "browser_zone": zone_name_of(request),
        "pending": EmailAddress.objects.get_new(user),
        "has_totp": Authenticator.Type.TOTP in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=user).count(),
    }
    return render(request, "accounts/account.html", values)


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    """The zones that people live in, each by its own name: those of zone.tab, where the system has it."""
    known = zoneinfo.available_timezones()
    for folder in zoneinfo.TZPATH:
        table = Path(folder, "zone.tab")
        if table.is_file():
            rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
            return sorted({row[2].strip() for row in rows if len(row) > 2} & known)
    return sorted(name for name in known if "/" in name and not name.startswith("Etc/"))


def _zones_with(chosen: str) -> list[str]:
    """Also another name of a zone (Asia/Calcutta), where that is what a person has."""
    names = zone_names()
    return sorted([*names, chosen]) if chosen in zoneinfo.available_timezones() - set(names) else names
