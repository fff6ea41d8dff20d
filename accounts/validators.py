"""What people type, checked the same everywhere: forms, commands, the admin."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from xroute.lib.names import unseen_in

LOCAL_LENGTH_MAX, ADDRESS_LENGTH_MAX = 64, 254  # RFC 5321, 4.5.3.1
LONG_ADDRESS = (
    f"This address is too long to get mail: at most {LOCAL_LENGTH_MAX} characters before the @, and "
    f"{ADDRESS_LENGTH_MAX} in all."
)


def address_length(value: str) -> None:
    """An address that mail servers can take, by its length."""
    local = value.rpartition("@")[0]
    if len(local.encode()) > LOCAL_LENGTH_MAX or len(value.encode()) > ADDRESS_LENGTH_MAX:
        raise ValidationError(LONG_ADDRESS, code="long_address")


def address(value: str) -> None:
    """An e-mail address of a length that mail servers can take."""
    validate_email(value)
    address_length(value)


def visible(value: str) -> None:
    """A name without control characters and marks of direction."""
    if says := unseen_in(value):
        raise ValidationError(says, code="unseen")
