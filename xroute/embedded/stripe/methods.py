"""Payment methods: the card that paid, kept at its customer where that was asked for; detached, it is of no use."""

from typing import Any

from stripe.params._payment_method_detach_params import PaymentMethodDetachParams

from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.store import Object, Store, new_id, now
from xroute.embedded.stripe.wire import Refused, missing

BILLING = {"address": None, "email": None, "name": None, "phone": None}


def method_make(store: Store, details: dict[str, Any], digits: str, customer_id: str | None) -> Object:
    """The payment method of a card or an account; `customer_id` where it is attached."""
    made = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": BILLING,
        "created": now(),
        "customer": customer_id,
        "livemode": False,
        "metadata": {},
        "type": details["type"],
        details["type"]: dict(details[details["type"]]),
        "_number": digits,
    }
    return store.put(made)


def method_detach(store: Store, method_id: str, raw: dict[str, Any]) -> Object:
    """Raises Refused for one that is attached to nobody."""
    checked(PaymentMethodDetachParams, raw)
    found = store.get(method_id, "payment_method")
    if found is None:
        raise missing("PaymentMethod", method_id, param="payment_method", status=404)
    if not found["customer"]:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise Refused(message, param="payment_method", executed=True)
    found["customer"] = None
    return store.put(found)
