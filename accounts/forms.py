"""Forms of people: signing up, their own page, inviting."""

import zoneinfo
from typing import Any

from allauth.account.forms import ResetPasswordForm, SignupForm as AllauthSignupForm, filter_users_by_email
from django import forms
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.entrance import SESSION_KEY, invitation_of
from accounts.installation import site
from accounts.middleware import zone_name_of
from accounts.models import User
from accounts.services_invitations import InvitationOver
from accounts.services_people import person_welcome
from accounts.validators import address_length, visible


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """An address, a password, and a tick where the installation has terms."""

    account_already_exists: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if site().terms_url or site().privacy_url:
            self.fields["terms"] = forms.BooleanField(
                required=True, error_messages={"required": "Tick the box to go on: sign-up needs your agreement."}
            )

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """A known address gets the same answer after the same work, also where two sign up with it at once."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
            return self._answer(request)
        try:
            with transaction.atomic():
                return self._answer(request)
        except IntegrityError:
            self.account_already_exists = True
            return self._answer(request)
        except InvitationOver as error:
            messages.error(request, str(error))
            return None, redirect("account_signup")

    def _answer(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        user, response = super().try_save(request)
        return user, response

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """In the transaction of the sign-up: all of a person, or nothing."""
        super().custom_signup(request, user)
        person_welcome(
            user=user,
            time_zone=zone_name_of(request),
            terms_accepted="terms" in self.fields,
            invitation=invitation_of(request),
        )
        request.session.pop(SESSION_KEY, None)


class ResetForm(ResetPasswordForm):  # type: ignore[misc]
    """For whoever has an account: which addresses may sign up, and for whom an invitation is, does not matter here."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        address_length(email)
        self.users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
        return email


class PersonForm(forms.Form):
    """A person's name and time zone."""

    name = forms.CharField(max_length=100, required=False, label="Name", validators=[visible])
    time_zone = forms.CharField(max_length=64, required=False, label="Time zone")

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"].strip()
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError("There is no time zone of that name. Choose one of the list.")
        return name


class InvitationForm(forms.Form):
    """Whom to invite; nobody in particular where it is left empty."""

    email = forms.EmailField(max_length=254, required=False, label="E-mail address", validators=[address_length])
