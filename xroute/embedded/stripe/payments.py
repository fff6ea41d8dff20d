"""What people do on the hosted page, and what becomes of it."""

import re
from collections.abc import Callable
from typing import Any

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.charges import Charges, bank_details, card_details
from xroute.embedded.stripe.methods import method_detach, method_make
from xroute.embedded.stripe.store import Object, Store, now
from xroute.embedded.stripe.tax import Tax

CARDS = {
    "4242424242424242": "",
    "4000000000007726": "",  # its refunds are pending at first
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000000341": "",  # good on the page, declined later
    "4000002500003155": "",  # confirmed on the page, to be confirmed again later
}
ACCOUNTS = {"000123456789": "succeeded", "000111111116": "failed"}
DECLINED = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}


class Payments:
    """`emit(type, object)` tells the world; `settle_later(session id, outcome)` ends a slow payment after a while."""

    def __init__(
        self,
        store: Store,
        charges: Charges,
        tax: Tax,
        emit: Callable[[str, Object], None],
        settle_later: Callable[[str, str], None],
    ) -> None:
        self._store, self._charges, self._emit, self._settle_later = store, charges, emit, settle_later
        self._tax = tax

    def pay_by_card(self, session: Object, number: str, *, exp_month: int, exp_year: int) -> str:
        """Why not; "" where it is paid."""
        digits = re.sub(r"[ -]", "", number)
        if digits not in CARDS:
            return "Your card number is invalid. Use one of the test cards."
        intent = self._intent(session)
        if code := CARDS[digits]:
            intent["last_payment_error"] = objects.payment_error("card_declined", code, DECLINED[code])
            self._emit("payment_intent.payment_failed", self._store.put(intent))
            return DECLINED[code]
        self._complete(session, paid=True)
        details = card_details(digits, exp_month, exp_year)
        self._pay_with(intent, details, digits)
        self._succeed(intent, details)
        self._emit("checkout.session.completed", session)
        return ""

    def pay_by_bank(self, session: Object, number: str) -> str:
        """A method that takes days at Stripe, and seconds here."""
        digits = re.sub(r"[ -]", "", number)
        if digits not in ACCOUNTS:
            return "Your account number is invalid. Use one of the test accounts."
        intent = self._intent(session)
        intent["status"], intent["_details"] = "processing", bank_details(digits)
        self._pay_with(intent, intent["_details"], digits)
        self._emit("payment_intent.processing", self._store.put(intent))
        self._complete(session, paid=False)
        self._emit("checkout.session.completed", session)
        self._settle_later(session["id"], ACCOUNTS[digits])
        return ""

    def settle(self, session: Object, outcome: str) -> None:
        """End a payment that is processing."""
        intent = self._store.get(session["payment_intent"] or "", "payment_intent")
        if not intent or intent["status"] != "processing":
            return
        if outcome == "succeeded":
            session["payment_status"] = "paid"
            self._store.put(session)
            self._succeed(intent, intent["_details"])
            self._emit("checkout.session.async_payment_succeeded", session)
            return
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        message = "The bank account has insufficient funds."
        intent["last_payment_error"] = objects.payment_error("payment_intent_payment_attempt_failed", "", message)
        self._emit("payment_intent.payment_failed", self._store.put(intent))
        self._emit("checkout.session.async_payment_failed", session)

    def bill_to(self, session: Object, address: dict[str, str]) -> None:
        """What was typed of an address goes to the customer where the session allows it."""
        customer = self._store.get(session["customer"] or "", "customer")
        if customer and session["_update"].get("address") == "auto" and address.get("country"):
            customer["address"] = {"line1": address.get("line1"), "country": address["country"].upper()}
            self._store.put(customer)

    def detach(self, method_id: str, raw: dict[str, Any]) -> Object:
        """Raises Refused."""
        found = method_detach(self._store, method_id, raw)
        self._emit("payment_method.detached", found)
        return found

    def expire(self, session: Object) -> None:
        session["status"], session["url"] = "expired", None
        self._emit("checkout.session.expired", self._store.put(session))

    def look(self, session: Object) -> Object:
        """The session as it is now: its time may be over."""
        if session["status"] == "open" and session["expires_at"] <= now():
            self.expire(session)
        return self._tax.price(session)

    def _intent(self, session: Object) -> Object:
        found = self._store.get(session["payment_intent"] or "", "payment_intent")
        if found is None:
            found = self._store.put(objects.intent(session))
            session["payment_intent"] = found["id"]
            self._store.put(session)
        return found

    def _pay_with(self, intent: Object, details: dict[str, Any], digits: str) -> None:
        kept = intent["customer"] if intent["setup_future_usage"] else None
        intent["payment_method"] = method_make(self._store, details, digits, kept)["id"]

    def _complete(self, session: Object, *, paid: bool) -> None:
        customer = self._store.get(session["customer"] or "", "customer") or {}
        session["status"], session["url"] = "complete", None
        session["payment_status"] = "paid" if paid else "unpaid"
        session["customer_details"] = {"email": customer.get("email"), "name": customer.get("name")}
        self._store.put(session)

    def _succeed(self, intent: Object, details: dict[str, Any]) -> None:
        intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
        intent["last_payment_error"] = None
        self._charges.take(intent, details)
        self._emit("payment_intent.succeeded", self._store.put(intent))
