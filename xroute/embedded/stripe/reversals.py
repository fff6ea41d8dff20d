"""Refunds and disputes of charges, with their lines of the balance, refused where Stripe would refuse."""

from collections.abc import Callable
from typing import Any

from stripe.params._refund_create_params import RefundCreateParams

from xroute.embedded.stripe.balance import Balance
from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.store import Object, Store, new_id, now
from xroute.embedded.stripe.wire import Refused, missing

DISPUTE_FEE_CENTS, EVIDENCE_S = 1500, 7 * 24 * 3600
SLOW_REFUND_LAST4 = "7726"  # its refunds are pending until a control ends them
TAKES = ("needs_response", "under_review", "lost")
CLOSED = ("won", "lost", "warning_closed")
STATUSES = (*TAKES, "won", "warning_needs_response", "warning_under_review", "warning_closed")


class Reversals:
    def __init__(self, store: Store, balance: Balance, emit: Callable[[str, Object], None]) -> None:
        self._store, self._balance, self._emit = store, balance, emit

    def refund_create(self, raw: dict[str, Any]) -> Object:
        """POST /v1/refunds. Raises Refused."""
        params = checked(RefundCreateParams, raw)
        charge = self._charge(params)
        left = charge["amount"] - charge["amount_refunded"]
        amount = params.get("amount", left)
        # `disputed` stays true for good; a charge whose dispute was won can be refunded like any other.
        if self._store.newest("dispute", lambda one: one["charge"] == charge["id"] and one["status"] in TAKES):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise Refused(message, code="charge_disputed", executed=True)
        if left == 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise Refused(message, code="charge_already_refunded", executed=True)
        if amount < 1:
            raise Refused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if amount > left:
            message = f"Refund amount (${amount / 100:.2f}) is greater than unrefunded amount on charge"
            raise Refused(message, param="amount", executed=True)
        return self._refund(charge, amount, params)

    def _charge(self, params: dict[str, Any]) -> Object:
        if ("charge" in params) == ("payment_intent" in params):
            raise Refused("One of the following params should be provided: payment_intent or charge.")
        if "charge" in params:
            found = self._store.get(params["charge"], "charge")
            if found is None:
                raise missing("charge", params["charge"], param="charge")
            return found
        intent = self._store.get(params["payment_intent"], "payment_intent")
        if intent is None:
            raise missing("payment_intent", params["payment_intent"], param="payment_intent")
        found = self._store.get(intent["latest_charge"] or "", "charge")
        if found is None:
            raise Refused("This PaymentIntent does not have a successful charge to refund.", executed=True)
        return found

    def _refund(self, charge: Object, amount: int, params: dict[str, Any]) -> Object:
        details = charge["payment_method_details"]
        slow = details[details["type"]].get("last4") == SLOW_REFUND_LAST4
        made = {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": now(),
            "currency": charge["currency"],
            "destination_details": {"type": details["type"]},
            "failure_reason": None,
            "metadata": params.get("metadata", {}),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if slow else "succeeded",
            "transfer_reversal": None,
        }
        kind = "refund" if details["type"] == "card" else "payment_refund"
        made["balance_transaction"] = self._balance.book(kind, -amount, 0, made["id"], currency=made["currency"])["id"]
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._store.put(charge)
        self._emit("refund.created", self._store.put(made))
        self._emit("charge.refunded", charge)
        return made

    def refund_end(self, refund_id: str, *, status: str, failure_reason: str = "expired_or_canceled_card") -> Object:
        """By control: a pending refund succeeds, or any fails, also long after it succeeded; its money comes back."""
        refund = self._store.get(refund_id, "refund")
        if refund is None:
            raise missing("refund", refund_id)
        if refund["status"] in ("failed", status) or status not in ("succeeded", "failed"):
            raise Refused(f"The refund is {refund['status']}.")
        refund["status"] = status
        if status == "failed":
            line = self._balance.book("refund_failure", refund["amount"], 0, refund_id, currency=refund["currency"])
            refund["failure_reason"], refund["failure_balance_transaction"] = failure_reason, line["id"]
            charge = self._store.get(refund["charge"], "charge") or {}
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
            self._store.put(charge)
        self._store.put(refund)
        for kind in ("refund.updated", "charge.refund.updated", *(["refund.failed"] if status == "failed" else [])):
            self._emit(kind, refund)
        return refund

    def dispute_open(
        self, *, payment_intent: str, status: str = "needs_response", reason: str = "fraudulent", amount: int = 0
    ) -> Object:
        """By control: the cardholder's bank disputes a payment, all that is not refunded where `amount` is left out."""
        charge = self._charge({"payment_intent": payment_intent})
        made = {
            "id": new_id("du"),
            "object": "dispute",
            "amount": amount or charge["amount"] - charge["amount_refunded"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": now(),
            "currency": charge["currency"],
            "evidence": {},
            "evidence_details": {
                "due_by": now() + EVIDENCE_S,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": status.startswith("warning"),
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "",
        }
        self._store.put(made)
        return self.dispute_move(made["id"], status=status, first=True)

    def dispute_move(self, dispute_id: str, *, status: str, first: bool = False) -> Object:
        """By control: to a status, with the money and the events that come with it."""
        dispute = self._store.get(dispute_id, "dispute")
        if dispute is None:
            raise missing("dispute", dispute_id)
        if status not in STATUSES:
            raise Refused(f"A dispute's status is one of {', '.join(STATUSES)}.")
        took, takes = dispute["status"] in TAKES, status in TAKES
        dispute["status"] = status
        charge = self._store.get(dispute["charge"], "charge") or {}
        self._store.put(charge | {"disputed": not status.startswith("warning")})
        if took != takes:
            self._move_money(dispute, -1 if takes else 1)
        self._store.put(dispute)
        kind = "created" if first else "closed" if status in CLOSED else "updated"
        self._emit(f"charge.dispute.{kind}", dispute)
        if took != takes:
            self._emit(f"charge.dispute.funds_{'withdrawn' if takes else 'reinstated'}", dispute)
        return dispute

    def _move_money(self, dispute: Object, sign: int) -> None:
        """Withdrawn with a fee; reinstated with the fee given back."""
        amount, fee = sign * dispute["amount"], -sign * DISPUTE_FEE_CENTS
        line = self._balance.book("adjustment", amount, fee, dispute["id"], currency=dispute["currency"])
        dispute["balance_transactions"] = [*dispute["balance_transactions"], line]
