"""Provider credentials at rest: encrypted with rotatable keys, each bound to its purpose and row."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotDecrypt(Exception):
    """A stored credential does not open with XROUTE_ENCRYPTION_KEYS, or belongs to another row."""


def _box(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _binding(row_id: int) -> bytes:
    return b"provider-credential:%d:" % row_id


def seal(secret: str, *, row_id: int, keys: Sequence[str]) -> bytes:
    """Encrypt under the first key; the row's id inside keeps it from being moved to another row."""
    return _box(keys).encrypt(_binding(row_id) + secret.encode())


def unseal(sealed: bytes, *, row_id: int, keys: Sequence[str]) -> str:
    """The secret; raises CannotDecrypt."""
    try:
        plain = _box(keys).decrypt(bytes(sealed))
    except InvalidToken as error:
        raise CannotDecrypt(f"provider credential {row_id} does not open with XROUTE_ENCRYPTION_KEYS") from error
    if not plain.startswith(_binding(row_id)):
        raise CannotDecrypt(f"provider credential {row_id} was moved from another row")
    return plain.removeprefix(_binding(row_id)).decode()
