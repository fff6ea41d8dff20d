"""allauth's second factors: their secrets are encrypted at rest, and passkeys belong to the installation's name."""

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.installation import site


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": "Turn off the authenticator app and passkeys first; then change the address.",
        "unverified_email": "Confirm your new address first, or cancel its change; then add a second factor.",
        "incorrect_code": "That code is not right. Codes change every 30 seconds: enter the newest one.",
    }

    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured(
                "A second factor does not open with XROUTE_ENCRYPTION_KEYS. Put the key back that it was stored with."
            ) from error

    def _get_site_name(self) -> str:
        return site().site_name

    def generate_authenticator_name(self, *_: object) -> str:
        return "Passkey"


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.XROUTE_ENCRYPTION_KEYS])
