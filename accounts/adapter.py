"""allauth's questions, answered by this installation: who may sign up, how mails look, which address a caller has."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.entrance import domains, invitation_of
from accounts.installation import site
from accounts.mail.compose import compose
from accounts.validators import address_length

ANYWHERE: dict[str, str] = {"app": "allauth.account", "action": "login_failed_anywhere"}
URLS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "That address and password do not belong together. Check both, or reset the "
        "password.",
        "too_many_login_attempts": "Too many tries for this address. Wait five minutes and try again, or reset the "
        "password.",
        "duplicate_email": "This is your address already.",
        "wrong_domain": "Only addresses of %s may sign up here.",
        "wrong_address": "This invitation is for another address.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """By the installation's mode; an invitation opens all but a closed one."""
        mode = site().signup
        if mode == "closed":
            return False
        return mode != "invite" or invitation_of(request) is not None

    def clean_email(self, email: str) -> str:
        """At sign-up and at a change: an address of the right domain, or the invited one."""
        address_length(email)
        invitation = invitation_of(self.request)
        if invitation is not None and invitation.email and not self.request.user.is_authenticated:
            if invitation.email.lower() != email.lower():
                raise self.validation_error("wrong_address")
            return email
        allowed = domains(site().signup)
        if allowed and invitation is None and email.rpartition("@")[2].lower() not in allowed:
            raise self.validation_error("wrong_domain", " or ".join(allowed))
        return email

    def get_client_ip(self, request: HttpRequest) -> str:
        """uvicorn has put the address there that XROUTE_TRUSTED_PROXIES vouch for; none on a Unix socket."""
        return request.META.get("REMOTE_ADDR") or "127.0.0.1"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures count where they come from: a stranger's close nobody's door but the stranger's own."""
        return f"{ratelimit.get_ip(request)} {_address(credentials)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Also against guessing from many addresses at once: a limit that no single one can reach."""
        super().pre_authenticate(request, **credentials)
        anywhere = ratelimit.consume(request, key=_address(credentials), **ANYWHERE)
        if not anywhere:
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage.extend(anywhere.usage)  # given back where the log-in succeeds

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """A reset of the password opens the door again."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, key=_address(credentials), **ANYWHERE)

    def get_from_email(self) -> str:
        return site().from_email

    def format_email_subject(self, subject: str) -> str:
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """With links at the installation's own address, whatever name the request came by."""
        ours = {name: _public(context[name]) for name in URLS if name in context}
        self.render_mail(template_prefix, email, context | ours | {"email": email}).send()

    def render_mail(self, template_prefix: str, email: str, context: dict[str, Any], *_: object) -> EmailMessage:
        """Every mail is a subject and a body of paragraphs (templates/<prefix>_{subject,message}.txt)."""
        values = context | {"site": site(), "timestamp": timezone.localtime()}
        subject = " ".join(render_to_string(f"{template_prefix}_subject.txt", values).split())
        body = render_to_string(f"{template_prefix}_message.txt", values)
        return compose(to=email, subject=subject, body=body)

    def send_account_already_exists_mail(self, email: str) -> None:
        """To the owner of an address that somebody tried to sign up with."""
        context = {
            "password_reset_url": "/account/password/reset/",
            "confirmed": EmailAddress.objects.filter(email=email.lower(), verified=True).exists(),
        }
        self.send_mail("account/email/account_already_exists", email, context)


def _address(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or "").lower()


def _public(url: str) -> str:
    split = urlsplit(url)
    return f"{site().public_url}{split.path}" + (f"?{split.query}" if split.query else "")
