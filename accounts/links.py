"""Links that open something once: the first operator's set-up, and a person's new password."""

from urllib.parse import urlencode

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from accounts.installation import site
from accounts.models import User


def setup_link(*, token: str) -> str:
    """Where the first operator's account is made."""
    return f"{site().public_url}{reverse('setup')}?{urlencode({'token': token})}"


def password_link(*, user: User) -> str:
    """Where this person sets a new password, once; it ends with PASSWORD_RESET_TIMEOUT."""
    values = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return f"{site().public_url}{reverse('account_reset_password_from_key', kwargs=values)}"
