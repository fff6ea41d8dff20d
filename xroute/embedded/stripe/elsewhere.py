"""What happens in the account without any call of ours: payouts, Stripe's own lines, another shop's customers."""

from collections.abc import Callable
from typing import Any

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.balance import Balance
from xroute.embedded.stripe.charges import Charges, card_details
from xroute.embedded.stripe.store import Object, Store, new_id, now
from xroute.embedded.stripe.wire import Refused, missing


class Elsewhere:
    def __init__(self, store: Store, balance: Balance, charges: Charges, emit: Callable[[str, Object], None]) -> None:
        self._store, self._balance, self._charges, self._emit = store, balance, charges, emit

    def payout(self, *, amount: int, currency: str = "usd", automatic: bool = True) -> Object:
        """Money goes to the bank; an automatic one takes all lines that no payout took before."""
        made: dict[str, Any] = {"id": new_id("po"), "object": "payout", "amount": amount, "arrival_date": now()}
        made |= {"automatic": automatic, "created": now(), "currency": currency, "livemode": False, "metadata": {}}
        made |= {"failure_balance_transaction": None, "failure_code": None, "method": "standard", "status": "paid"}
        line = self._balance.book("payout", -amount, 0, made["id"], currency=currency)
        made |= {"balance_transaction": line["id"], "type": "bank_account", "destination": "ba_emulator"}
        for taken in self._store.newest("balance_transaction", lambda found: not found.get("_payout")):
            if automatic and taken["currency"] == currency and taken["id"] != line["id"]:
                self._store.put(taken | {"_payout": made["id"]})
        self._emit("payout.paid", self._store.put(made))
        return made

    def payout_fail(self, payout_id: str) -> Object:
        """The bank sends it back."""
        made = self._store.get(payout_id, "payout")
        if made is None:
            raise missing("payout", payout_id)
        if made["status"] == "failed":
            raise Refused("This payout has failed already.")
        line = self._balance.book("payout_failure", made["amount"], 0, payout_id, currency=made["currency"])
        made |= {"status": "failed", "failure_code": "account_closed", "failure_balance_transaction": line["id"]}
        self._emit("payout.failed", self._store.put(made))
        return made

    def line(self, *, kind: str, amount: int, fee: int = 0, source: str | None = None, **more: Any) -> Object:
        """Any line of the balance, such as an adjustment or a fee of Stripe's own."""
        return self._balance.book(kind, amount, fee, source, **more)

    def sale(self, *, amount: int, currency: str = "usd", metadata: dict[str, str] | None = None) -> Object:
        """Somebody pays another shop that uses the same account."""
        wanted = {"description": "Another shop", "metadata": metadata or {}}
        intent = objects.intent(
            {
                "_intent": wanted,
                "amount_total": amount,
                "currency": currency,
                "customer": None,
                "payment_method_types": ["card"],
            }
        )
        intent |= {"status": "succeeded", "amount_received": amount}
        charge = self._charges.take(self._store.put(intent), card_details("4242424242424242", 12, 2034))
        self._emit("payment_intent.succeeded", self._store.put(intent))
        return charge
