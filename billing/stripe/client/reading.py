"""Stripe's own books: its balance, line by line, and its events."""

from collections.abc import Iterator, Sequence
from typing import Any

from stripe.params import (
    BalanceTransactionListParams,
    EventListParams,
)

from billing.stripe.client.calling import calling
from billing.stripe.line import Line, line_parse

PAGE_SIZE = 100


def balance_read() -> dict[str, int]:
    """What Stripe holds for us, available and pending together: cents by currency."""
    with calling() as client:
        found = client.v1.balance.retrieve().to_dict()
    sums = {"usd": 0}
    for part in (*found["available"], *found["pending"]):
        sums[part["currency"]] = sums.get(part["currency"], 0) + int(part["amount"])
    return sums


def balance_lines(*, since_s: int) -> Iterator[Line]:
    """Stripe's balance transactions created since then, newest first; each page is a call of its own."""
    params: BalanceTransactionListParams = {"limit": PAGE_SIZE, "expand": ["data.source"], "created": {"gte": since_s}}
    while True:
        with calling() as client:
            page = client.v1.balance_transactions.list(params)
        for found in page.data:
            yield line_parse(found.to_dict())
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id


def balance_line(line_id: str) -> Line:
    """One of them, as it is now."""
    with calling() as client:
        found = client.v1.balance_transactions.retrieve(line_id, {"expand": ["source"]})
    return line_parse(found.to_dict())


def events_list(*, types: Sequence[str], since_s: int) -> Iterator[dict[str, Any]]:
    """Stripe's events of these types (20 at most) created since then, newest first; it keeps them for 30 days."""
    params: EventListParams = {"limit": PAGE_SIZE, "types": list(types), "created": {"gte": since_s}}
    while True:
        with calling() as client:
            page = client.v1.events.list(params)
        for found in page.data:
            yield found.to_dict()
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id
