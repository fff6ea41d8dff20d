"""What is in Stripe's balance and not in ours, or the other way, line by line."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from billing.parts import NANOUSD_PER_CENT

LISTED_MAX = 100
LOOK = "Compare the payment in Stripe's dashboard with the one here; correct the books or Stripe by hand."
# Lines that wait: Stripe's net, less what is booked of their payment (by way of its charge only).
WAITING = """
    SELECT m.id, m.net_cents * 10000000 - CASE WHEN m.type IN ('charge', 'payment') THEN coalesce((
             SELECT sum(t.amount) FROM billing_transfer t WHERE t.idempotency_key IN
               ('stripe:' || p.payment_intent_id, 'stripe:' || p.payment_intent_id || ':fee',
                'stripe:' || p.payment_intent_id || ':tax')), 0) ELSE 0 END,
           m.type || ' ' || m.id || '. ' || m.note
      FROM billing_stripebalancetransaction m LEFT JOIN billing_payment p ON p.id = m.payment_id
     WHERE m.status = 'waiting' ORDER BY m.created_at"""
MISSING = """
    SELECT p.id, -sum(t.amount)
      FROM billing_payment p
      JOIN billing_transfer t ON t.idempotency_key IN ('stripe:' || p.payment_intent_id,
           'stripe:' || p.payment_intent_id || ':fee', 'stripe:' || p.payment_intent_id || ':tax')
     WHERE p.status = 'paid' AND NOT EXISTS (
           SELECT 1 FROM billing_stripebalancetransaction m
            WHERE m.payment_id = p.id AND m.type IN ('charge', 'payment'))
     GROUP BY p.id ORDER BY p.id"""
FOREIGN = """
    SELECT currency, count(*), sum(net_cents) FROM billing_stripebalancetransaction WHERE status = 'foreign'
     GROUP BY currency ORDER BY currency"""


@dataclass(frozen=True, slots=True)
class Difference:
    """`cents` are what Stripe has more than our books; `alert`: it should go away, and somebody is told if not."""

    key: str
    cents: int
    what: str
    todo: str
    alert: bool

    def as_json(self, *, told: bool) -> dict[str, Any]:
        return asdict(self) | {"told": told}


def differences_find() -> list[Difference]:
    """All that is known, inside the caller's transaction."""
    found = [
        Difference(f"line:{line_id}", _cents(nanousd), f"Stripe's {what}", _waiting(what), alert=True)
        for line_id, nanousd, what in _rows(WAITING)
    ]
    found += [
        Difference(
            f"payment:{payment_id}",
            _cents(nanousd),
            f"Payment {payment_id} is booked here, and Stripe lists no charge for it.",
            "Look it up in Stripe's dashboard. If it is not there, correct the workspace's credit.",
            alert=True,
        )
        for payment_id, nanousd in _rows(MISSING)
    ]
    return [*_shortened(found), *_foreign()]


def _foreign() -> list[Difference]:
    return [
        Difference(
            f"foreign:{currency}",
            int(cents) if currency == "usd" else 0,
            f"{count} lines of other business in this Stripe account"
            if currency == "usd"
            else f"{count} lines in {currency.upper()}, {cents} of its smallest unit; only USD is booked and compared",
            "Nothing, where the account is shared. Otherwise look at them below."
            if currency == "usd"
            else "If XRoute's customers paid them, refund them in Stripe's dashboard.",
            alert=False,
        )
        for currency, count, cents in _rows(FOREIGN)
    ]


def unexplained(cents: int, nanousd: int) -> Difference:
    """What is left over."""
    return Difference(
        f"unexplained:{nanousd}",
        cents,
        "Nothing that is known here explains this part of the difference.",
        "Run manage.py audit_ledger, then compare the lines below with Stripe's dashboard.",
        alert=True,
    )


def _waiting(what: str) -> str:
    return LOOK if "nano-USD are booked" in what else "It is tried again each time. If it stays, look at failed events."


def _shortened(found: list[Difference]) -> list[Difference]:
    """Not thousands of them in one row; none is lost from the sum."""
    if len(found) <= LISTED_MAX:
        return found
    rest = found[LISTED_MAX:]
    more = Difference("more", sum(row.cents for row in rest), f"{len(rest)} more such lines", LOOK, alert=True)
    return [*found[:LISTED_MAX], more]


def _cents(nanousd: Any) -> int:
    """Whole ones: what is smaller than a cent stays unexplained, and so is seen."""
    return int(int(nanousd) / NANOUSD_PER_CENT)


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
