"""Tax at one simple rate for everybody; a control changes it."""

from typing import Any

from stripe.params.tax._calculation_create_params import CalculationCreateParams
from stripe.params.tax._transaction_create_from_calculation_params import TransactionCreateFromCalculationParams

from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.sessions import CURRENCIES
from xroute.embedded.stripe.store import Object, Store, new_id, now
from xroute.embedded.stripe.wire import Refused, missing

RATE_PPM, EXPIRES_S = 190_000, 90 * 86400


class Tax:
    """`rate_ppm`: parts per million on top of each line, rounded half up."""

    def __init__(self, store: Store) -> None:
        self._store, self.rate_ppm = store, RATE_PPM

    def on(self, cents: int) -> int:
        """The tax on one line."""
        return (cents * self.rate_ppm + 500_000) // 1_000_000

    def price(self, session: Object) -> Object:
        """Put the tax on an open session that asked for it."""
        if not session["automatic_tax"]["enabled"] or session["status"] != "open" or session["payment_intent"]:
            return session
        for item in session["_items"]:
            item["amount_tax"] = self.on(item["amount_subtotal"])
            item["amount_total"] = item["amount_subtotal"] + item["amount_tax"]
        tax = sum(item["amount_tax"] for item in session["_items"])
        session["automatic_tax"]["status"] = "complete"
        session["total_details"]["amount_tax"] = tax
        session["amount_total"] = session["amount_subtotal"] + tax
        return self._store.put(session)

    def calculate(self, raw: dict[str, Any]) -> Object:
        """A calculation. Raises Refused where it is not known where the customer lives."""
        params = checked(CalculationCreateParams, raw)
        if params["currency"] not in CURRENCIES:
            raise Refused(f"Invalid currency: {params['currency']}.", param="currency")
        address = self._address(params)
        lines = params["line_items"]
        if not lines:
            raise Refused("Missing required param: line_items.", code="parameter_missing", param="line_items")
        if any(line.get("tax_behavior") != "exclusive" or line["amount"] < 0 for line in lines):
            raise Refused("This emulator knows amounts without tax only.", param="line_items")
        amount, tax = sum(line["amount"] for line in lines), sum(self.on(line["amount"]) for line in lines)
        made = {
            "id": new_id("taxcalc"),
            "object": "tax.calculation",
            "amount_total": amount + tax,
            "currency": params["currency"],
            "customer": params.get("customer"),
            "customer_details": {"address": address, "address_source": "billing", "tax_ids": []},
            "expires_at": now() + EXPIRES_S,
            "created": now(),
            "livemode": False,
            "tax_amount_exclusive": tax,
            "tax_amount_inclusive": 0,
            "tax_breakdown": [],
            "tax_date": now(),
        }
        return self._store.put(made)

    def _address(self, params: dict[str, Any]) -> Any:
        if ("customer" in params) == ("customer_details" in params):
            raise Refused("Give one of: customer, customer_details.", param="customer")
        if "customer_details" in params:
            return params["customer_details"].get("address")
        customer = self._store.get(params["customer"], "customer")
        if customer is None:
            raise missing("customer", params["customer"], param="customer", status=400)
        if not (customer["address"] or {}).get("country"):
            message = "We could not determine the customer's tax location based on the provided customer address."
            raise Refused(message, code="customer_tax_location_invalid", param="customer", executed=True)
        return customer["address"]

    def file(self, raw: dict[str, Any]) -> Object:
        """The transaction of a calculation: once each, under a reference of its own. Raises Refused."""
        params = checked(TransactionCreateFromCalculationParams, raw)
        calculation = self._store.get(params["calculation"], "tax.calculation")
        if calculation is None:
            raise missing("tax.calculation", params["calculation"], param="calculation", status=400)
        for found in self._store.newest("tax.transaction"):
            if found["reference"] == params["reference"] or found["_calculation"] == params["calculation"]:
                message = "A transaction with this calculation or reference exists."
                raise Refused(message, code="resource_already_exists", param="reference", executed=True)
        made = {
            "id": new_id("tax"),
            "object": "tax.transaction",
            "created": now(),
            "currency": calculation["currency"],
            "customer": calculation["customer"],
            "livemode": False,
            "metadata": params.get("metadata", {}),
            "reference": params["reference"],
            "reversal": None,
            "type": "transaction",
            "_calculation": params["calculation"],
        }
        return self._store.put(made)
