"""The format of an API key. Pure.

`xr-v1-` + 32 random base62 characters + the CRC-32 of what stands before it, as 6 base62 characters. The
checksum lets junk be refused without a look-up; the SHA-256 of the whole key is all that is stored.
"""

import secrets
import zlib
from hashlib import sha256

PREFIX = "xr-v1-"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
LENGTH = len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH
_LETTERS = frozenset(ALPHABET)


def checksum(text: str) -> str:
    """CRC-32 of `text` in base62, padded to six characters."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def mint() -> str:
    """A new key, about 190 bits of randomness."""
    head = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return head + checksum(head)


def well_formed(key: str) -> bool:
    """Whether `key` has the format and its checksum is right."""
    if len(key) != LENGTH or not key.startswith(PREFIX):
        return False
    return _LETTERS.issuperset(key[len(PREFIX) :]) and checksum(key[:-CHECKSUM_LENGTH]) == key[-CHECKSUM_LENGTH:]


def digest(key: str) -> bytes:
    """What is stored and looked up: SHA-256 of the whole key."""
    return sha256(key.encode()).digest()


def label(key: str) -> str:
    """How a key is shown after its first time: prefix and last four."""
    return f"{key[:10]}…{key[-4:]}"
