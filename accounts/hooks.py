"""What other apps do when a person has shown that they are real.

An app above this one appends to `on_confirmed` in its AppConfig.ready(). A hook runs in the transaction of the
confirmation, and may run again for the same person: it must be idempotent.
"""

from collections.abc import Callable

from accounts.models import User

on_confirmed: list[Callable[[User], object]] = []


def confirmed(user: User) -> None:
    """A person's address is confirmed."""
    for hook in on_confirmed:
        hook(user)
