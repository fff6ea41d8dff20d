"""Stripe's balance: one balance transaction for each movement of money, and their sums. Fees are cents, rounded up."""

from collections import defaultdict

from xroute.embedded.stripe.store import Object, Store, new_id, now

CHARGE_WAITS_S = 2 * 24 * 3600  # until a charge's money can be paid out
FEE_PER_MILLE, FEE_CENTS = 29, 30
CATEGORIES = {"payment": "charge", "payment_refund": "refund", "adjustment": "dispute", "stripe_fee": "fee"}


def charge_fee_cents(amount_cents: int) -> int:
    """2.9 % and 30 cents."""
    return -(-amount_cents * FEE_PER_MILLE // 1000) + FEE_CENTS


class Balance:
    """`book` is the only way by which money moves at this Stripe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def book(
        self,
        kind: str,
        amount_cents: int,
        fee_cents: int,
        source_id: str | None,
        *,
        currency: str = "usd",
        wait_s: int = 0,
        description: str = "",
    ) -> Object:
        """A line of `kind` (charge, refund, adjustment, payout …): negative takes money out of the balance.

        It counts as pending for `wait_s`. The fee is taken besides the amount; a negative one is given back.
        """
        details = [{"amount": fee_cents, "currency": currency, "description": "Processing fees", "type": "stripe_fee"}]
        made = {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount_cents,
            "available_on": now() + wait_s,
            "balance_type": "payments",
            "created": now(),
            "currency": currency,
            "description": description or None,
            "exchange_rate": None,
            "fee": fee_cents,
            "fee_details": details if fee_cents else [],
            "net": amount_cents - fee_cents,
            "reporting_category": CATEGORIES.get(kind, kind),
            "source": source_id,
            "status": "pending" if wait_s else "available",
            "type": kind,
        }
        return self._store.put(made)

    def look(self) -> None:
        """What has waited long enough is available."""
        for line in self._store.newest("balance_transaction", lambda found: found["status"] == "pending"):
            if line["available_on"] <= now():
                self._store.put(line | {"status": "available"})

    def shown(self) -> Object:
        """GET /v1/balance."""
        self.look()
        sums: dict[str, dict[str, int]] = {name: defaultdict(int, usd=0) for name in ("available", "pending")}
        for line in self._store.newest("balance_transaction"):
            sums[line["status"]][line["currency"]] += line["net"]
        listed = {
            name: [
                {"amount": amount, "currency": currency, "source_types": {"card": amount}}
                for currency, amount in s.items()
            ]
            for name, s in sums.items()
        }
        return {"object": "balance", "livemode": False, **listed}
