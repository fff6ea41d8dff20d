"""Payment intents that the shop confirms itself, with a saved card, while nobody is there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from stripe.params._payment_intent_cancel_params import PaymentIntentCancelParams
from stripe.params._payment_intent_create_params import PaymentIntentCreateParams

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.charges import Charges
from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.sessions import AMOUNT_MAX, AMOUNT_MIN, CURRENCIES
from xroute.embedded.stripe.store import Object, Store
from xroute.embedded.stripe.wire import Refused, missing

# What becomes of a card when nobody is there, by its number: (code, decline code).
LATER = {
    "4000000000000341": ("card_declined", "generic_decline"),
    "4000002500003155": ("authentication_required", "authentication_required"),
}
SAID = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "expired_card": "Your card has expired.",
}
CANCELABLE = ("requires_payment_method", "requires_action", "requires_confirmation", "processing")


class Declined(Refused):
    """402, with the intent as it stands."""

    def __init__(self, intent: Object) -> None:
        error = intent["last_payment_error"]
        super().__init__(error["message"], status=402, kind="card_error", executed=True)
        self.body = orjson.dumps({"error": {**error, "payment_intent": objects.public(intent)}})


class Intents:
    """`outcome` says what becomes of the next ones whose card is good: succeeded or processing."""

    def __init__(self, store: Store, charges: Charges, emit: Callable[[str, Object], None]) -> None:
        self._store, self._charges, self._emit = store, charges, emit
        self.outcome = "succeeded"

    def create(self, raw: dict[str, Any]) -> Object:
        """An intent, charged at once. Raises Refused, Declined."""
        params = checked(PaymentIntentCreateParams, raw)
        method = self._method(params)
        intent = objects.intent_alone(params)
        code, decline_code = _later(method)
        if code:
            message = SAID.get(code, "Your card was declined.")
            error = objects.payment_error(code, decline_code, message)
            intent["last_payment_error"] = {**error, "payment_method": objects.public(method)}
            self._emit("payment_intent.payment_failed", self._store.put(intent))
            raise Declined(intent)
        if self.outcome == "processing":
            intent["status"] = "processing"
            self._emit("payment_intent.processing", self._store.put(intent))
            return intent
        return self._succeed(intent, method)

    def settle(self, intent: Object, outcome: str) -> None:
        """End one that is processing."""
        if intent["status"] != "processing":
            return
        method = self._store.any(intent["payment_method"])
        if outcome == "succeeded" and method:
            self._succeed(intent, method)
            return
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = objects.payment_error("card_declined", "do_not_honor", "It was declined.")
        self._emit("payment_intent.payment_failed", self._store.put(intent))

    def cancel(self, intent_id: str, raw: dict[str, Any]) -> Object:
        """Raises Refused for one that is over."""
        checked(PaymentIntentCancelParams, raw)
        intent = self._store.get(intent_id, "payment_intent")
        if intent is None:
            raise missing("payment_intent", intent_id, param="intent")
        if intent["status"] not in CANCELABLE:
            message = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            raise Refused(message, code="payment_intent_unexpected_state", executed=True)
        intent["status"] = "canceled"
        self._emit("payment_intent.canceled", self._store.put(intent))
        return intent

    def _method(self, params: dict[str, Any]) -> Object:
        """The payment method, where it may be charged."""
        if not AMOUNT_MIN <= params["amount"] <= AMOUNT_MAX or params["currency"] not in CURRENCIES:
            code = "amount_too_small" if params["amount"] < AMOUNT_MIN else "parameter_invalid"
            raise Refused("Invalid amount or currency.", code=code, param="amount")
        if not params.get("confirm") or not params.get("off_session"):
            raise Refused("This emulator knows intents that are confirmed off-session only.", param="confirm")
        for name in ("payment_method", "customer"):
            if not params.get(name):
                raise Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)
        if self._store.get(params["customer"], "customer") is None:
            raise missing("customer", params["customer"], param="customer", status=400)
        method = self._store.get(params["payment_method"], "payment_method")
        if method is None:
            raise missing("PaymentMethod", params["payment_method"], param="payment_method", status=400)
        if method["customer"] != params["customer"]:
            whose = "a different Customer" if method["customer"] else "no Customer: it was detached"
            message = f"The provided PaymentMethod cannot be used: it belongs to {whose}."
            raise Refused(message, param="payment_method", executed=True)
        return method

    def _succeed(self, intent: Object, method: Object) -> Object:
        intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
        self._charges.take(intent, {"type": "card", "card": method["card"]})
        self._emit("payment_intent.succeeded", self._store.put(intent))
        return intent


def _later(method: Object) -> tuple[str, str]:
    """(code, decline code) of a card now; empty where it is good."""
    today, card = datetime.now(UTC), method["card"]
    if (card["exp_year"], card["exp_month"]) < (today.year, today.month):
        return "expired_card", "expired_card"
    return LATER.get(method["_number"], ("", ""))
