"""How much of a payment can be refunded: what is left of it, and no more than the paid credit that is unspent.

Promotional credit is spent first. What is left of it is a walk over the account's transfers that never goes below
zero: grants and positive corrections add, usage and all other debits take. Refunds and disputes are of paid credit
and leave it alone. With S the running sum, the walk ends at S - least(0, the lowest S): one query, no loop.
"""

from dataclasses import dataclass

from django.db import connection

from billing.models import Payment
from billing.moves import account_of_payments
from billing.parts import NANOUSD_PER_CENT, Parts, cents_within, parts_sum

UNSPENT = """
WITH walk AS (
  SELECT sum(signed) OVER (ORDER BY id) AS reached, signed
    FROM (SELECT t.id, t.amount AS signed FROM billing_transfer t
           WHERE t.credit_account_id = %(account)s AND t.kind IN ('promotion', 'correction')
           UNION ALL
          SELECT t.id, -t.amount FROM billing_transfer t
           WHERE t.debit_account_id = %(account)s AND t.kind NOT IN ('refund', 'dispute')) moved),
promotional AS (SELECT coalesce(sum(signed) - least(0, min(reached)), 0) AS nanousd FROM walk)
SELECT a.posted, a.reserved, p.nanousd::bigint FROM billing_creditaccount a, promotional p WHERE a.id = %(account)s"""


@dataclass(frozen=True, slots=True)
class Unspent:
    """What stands on an account. `promotional` of it was given, not paid for; all nano-USD."""

    posted: int
    reserved: int
    promotional: int

    @property
    def paid(self) -> int:
        """The part of the balance that was paid for."""
        return max(0, self.posted - self.promotional)


@dataclass(frozen=True, slots=True)
class Refundable:
    """`cents` can be refunded, tax and fee of them included; `credit_left` of the payment has not gone back yet."""

    cents: int
    whole: Parts
    taken: Parts
    unspent: Unspent

    @property
    def credit_left(self) -> int:
        return self.whole.credit - self.taken.credit

    @property
    def why(self) -> str:
        """Why it is not more, for the person who refunds."""
        if self.credit_left <= 0:
            return "All of this payment has gone back already, or is held by a dispute."
        if self.unspent.paid - self.unspent.reserved <= 0 and self.unspent.paid > 0:
            return "The unspent credit is set aside for calls that are running. Try again in a minute."
        if self.unspent.paid >= self.credit_left and self.unspent.posted - self.unspent.reserved >= self.credit_left:
            return "That is what is left of this payment."
        if self.unspent.paid == 0:
            return "No paid credit is left unspent. Promotional credit cannot be refunded."
        return "The rest was spent, is set aside for running calls, or was promotional credit, which is spent first."


def unspent_of(*, account_id: int) -> Unspent:
    """What of an account's balance was paid for, and what was given."""
    with connection.cursor() as cursor:
        cursor.execute(UNSPENT, {"account": account_id})
        return Unspent(*cursor.fetchone())


def payment_whole(payment: Payment) -> Parts:
    """What was paid, of a payment that is paid."""
    return Parts(
        payment.credited_nanousd or 0, payment.fee_cents * NANOUSD_PER_CENT, payment.tax_cents * NANOUSD_PER_CENT
    )


def payment_taken(payment: Payment, *, except_dispute: str = "") -> Parts:
    """What of it has gone back, or is held by disputes."""
    refunds = payment.refunds.exclude(status="failed")
    rows = [*refunds.values_list("credit_nanousd", "fee_nanousd", "tax_nanousd")]
    held = payment.disputes.exclude(pk=except_dispute)
    rows += held.values_list("held_credit_nanousd", "held_fee_nanousd", "held_tax_nanousd")
    return parts_sum(Parts(*row) for row in rows)


def payment_refundable(payment: Payment) -> Refundable:
    """How much of a paid payment can be refunded at this moment; zero of any other."""
    account_id = account_of_payments(workspace_id=payment.workspace_id)
    unspent, whole, taken = unspent_of(account_id=account_id), payment_whole(payment), payment_taken(payment)
    credit = max(0, min(unspent.paid, unspent.posted - unspent.reserved))
    return Refundable(cents_within(whole=whole, taken=taken, credit=credit), whole, taken, unspent)
