"""What closing a workspace needs of refunds: how much can go back, the debits, and Stripe's word afterwards.

Booking runs inside the closing's transaction; asking comes after its commit, and the refunds' own sweep repeats it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User, Workspace


@dataclass(frozen=True, slots=True)
class Refunds:
    """`cents` of the workspace can be refunded now; `book` debits them all; `ask` tells Stripe of what was booked."""

    cents: Callable[[Workspace], int]
    book: Callable[[Workspace, User], list[Any]]
    ask: Callable[[list[Any]], object]


refunds = Refunds(cents=lambda _workspace: 0, book=lambda _workspace, _user: [], ask=lambda _booked: None)


def refunds_install(found: Refunds) -> None:
    """Let closing refund by `found`."""
    global refunds
    refunds = found


def current() -> Refunds:
    """What is installed."""
    return refunds
