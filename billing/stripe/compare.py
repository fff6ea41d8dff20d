"""Is Stripe's balance what our books say? To the cent; and what they do not say the same of, is named.

Stripe's balance = stripe_clearing + the differences that are known + what is unexplained.
"""

import logging
from typing import Any

from django.db import connection, transaction

from billing.models import StripeComparison, StripePlace
from billing.notices import link, mails_write, operators_addresses
from billing.parts import NANOUSD_PER_CENT
from billing.stripe import client
from billing.stripe.differences import Difference, differences_find, unexplained
from billing.stripe.mirror import clearing_nanousd, lines_mirror
from xroute.lib.money import cents_words

logger = logging.getLogger("xroute.billing")
PLACE, TRIES = "comparison", 3


def stripe_compare() -> StripeComparison | None:
    """Mirror what is new, and compare; None where Stripe's balance moved meanwhile each time. Raises StripeError."""
    for _ in range(TRIES):
        before = client.balance_read()
        lines_mirror()
        if client.balance_read() == before:
            return _compare(before["usd"])
    return None


def _compare(stripe_cents: int) -> StripeComparison:
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ours = clearing_nanousd()
        found = differences_find()
    left = stripe_cents * NANOUSD_PER_CENT - ours - sum(row.cents for row in found) * NANOUSD_PER_CENT
    left_cents = left // NANOUSD_PER_CENT
    if left:
        found.append(unexplained(left_cents, left))
    return _keep(stripe_cents, ours, left_cents if left else 0, found)


def _keep(stripe_cents: int, ours: int, left_cents: int, found: list[Difference]) -> StripeComparison:
    """Write it down, and tell the operators, once, of what was there at the last comparison too."""
    StripePlace.objects.get_or_create(pk=PLACE)
    with transaction.atomic(durable=True):
        StripePlace.objects.select_for_update().get(pk=PLACE)
        last = StripeComparison.objects.order_by("-pk").first()
        before: dict[str, Any] = {row["key"]: row for row in last.differences} if last else {}
        rows = [row.as_json(told=before.get(row.key, {}).get("told", False)) for row in found]
        news = [row for row in rows if row["alert"] and row["key"] in before and not row["told"]]
        for row in news:
            row["told"] = True
        if news:
            _tell(news)
        kept = StripeComparison.objects.create(
            stripe_cents=stripe_cents, ours_nanousd=ours, differences=rows, unexplained_cents=left_cents
        )
    return kept


def _tell(news: list[dict[str, Any]]) -> None:
    for row in news:
        logger.error("ALERT Stripe's balance and ours differ by %s cents: %s", row["cents"], row["what"])
    said = "\n\n".join(
        f"{'+' if row['cents'] > 0 else ''}{cents_words(row['cents'])}: {row['what']} {row['todo']}"
        for row in news[:20]
    )
    body = (
        "Stripe's balance is not what our books say, in two comparisons one after the other.\n\n"
        f"{said}\n\nAll differences, with what to do:\n\n{link('/operator/money/stripe')}"
    )
    mails_write(to=operators_addresses(), subject="Stripe's balance differs from the books", body=body)
