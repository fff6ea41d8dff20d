"""Charges: what a succeeded payment intent took, from which card or account, and its line of the balance."""

from collections.abc import Callable
from typing import Any

from xroute.embedded.stripe.balance import CHARGE_WAITS_S, Balance, charge_fee_cents
from xroute.embedded.stripe.store import Object, Store, new_id, now

BRANDS = {"3": "amex", "4": "visa", "5": "mastercard", "6": "discover"}


def card_details(digits: str, exp_month: int, exp_year: int) -> dict[str, Any]:
    """`payment_method_details` of a card."""
    card = {
        "brand": BRANDS.get(digits[:1], "unknown"),
        "country": "US",
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": f"fp_{digits[-4:]}",
        "funding": "credit",
        "last4": digits[-4:],
        "network": BRANDS.get(digits[:1]),
        "three_d_secure": None,
        "wallet": None,
    }
    return {"type": "card", "card": card}


def bank_details(digits: str) -> dict[str, Any]:
    """`payment_method_details` of a bank debit."""
    account = {"account_type": "checking", "bank_name": "STRIPE TEST BANK", "last4": digits[-4:]}
    return {"type": "us_bank_account", "us_bank_account": account}


class Charges:
    def __init__(self, store: Store, balance: Balance, emit: Callable[[str, Object], None]) -> None:
        self._store, self._balance, self._emit = store, balance, emit

    def take(self, intent: Object, details: dict[str, Any]) -> Object:
        """The charge of an intent that just succeeded; the caller keeps the intent.

        As at Stripe, what is not by card is a `payment` with an id of its own kind.
        """
        card = details["type"] == "card"
        made = _charge(intent, details, new_id("ch" if card else "py"))
        line = self._balance.book(
            "charge" if card else "payment",
            made["amount"],
            charge_fee_cents(made["amount"]),
            made["id"],
            currency=made["currency"],
            wait_s=CHARGE_WAITS_S,
            description=made["description"] or "",
        )
        made["balance_transaction"], intent["latest_charge"] = line["id"], made["id"]
        self._store.put(made)
        self._emit("charge.succeeded", made)
        return made


def _charge(intent: Object, details: dict[str, Any], charge_id: str) -> Object:
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": intent.get("receipt_email"), "name": None, "phone": None},
        "captured": True,
        "created": now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "invoice": None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal", "type": "authorized"},
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent.get("payment_method"),
        "payment_method_details": details,
        "receipt_email": intent.get("receipt_email"),
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/{charge_id}",
        "refunded": False,
        "status": "succeeded",
    }
