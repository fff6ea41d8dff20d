"""/account/: a person's own page."""

import zoneinfo
from functools import lru_cache
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
        "zones": zone_names(),
        "browser_zone": zone_name_of(request),
        "pending": EmailAddress.objects.get_new(user),
        "has_totp": Authenticator.Type.TOTP in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=user).count(),
    }
    return render(request, "accounts/account.html", values)


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    """The zones that people live in."""
    return sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
