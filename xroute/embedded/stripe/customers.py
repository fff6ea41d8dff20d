"""Customers after they were made: their changes, and their tax ids."""

import re
from typing import Any

from stripe.params._customer_create_tax_id_params import CustomerCreateTaxIdParams
from stripe.params._customer_list_tax_ids_params import CustomerListTaxIdsParams
from stripe.params._customer_update_params import CustomerUpdateParams

from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.store import Object, Store, new_id, now
from xroute.embedded.stripe.wire import Refused, missing, unknown

# The shapes that Stripe takes at once; whether such a number exists it finds out later.
SHAPES = {"eu_vat": r"[A-Z]{2}[A-Z0-9]{2,12}", "gb_vat": r"GB[0-9]{9}([0-9]{3})?", "us_ein": r"[0-9]{2}-?[0-9]{7}"}
TAX_IDS_MAX = 5


class Customers:
    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, method: str, path: str, customer_id: str, rest: list[str], raw: dict[str, Any]) -> Object:
        """What a call about one customer answers. Raises Refused."""
        customer = self._store.get(customer_id, "customer")
        if customer is None:
            raise missing("customer", customer_id)
        match (method, *rest):
            case ("POST",):
                return self._update(customer, checked(CustomerUpdateParams, raw))
            case ("GET", "tax_ids"):
                checked(CustomerListTaxIdsParams, raw)
                return {"object": "list", "data": self._tax_ids(customer), "has_more": False, "url": path}
            case ("POST", "tax_ids"):
                return self._tax_id(customer, checked(CustomerCreateTaxIdParams, raw))
            case ("DELETE", "tax_ids", tax_id):
                return self._delete(customer, tax_id)
        raise unknown(method, path)

    def _update(self, customer: Object, params: dict[str, Any]) -> Object:
        """What is named is replaced; of metadata only the names that are given, and an empty value takes one away."""
        for name, value in params.items():
            if name == "metadata" and isinstance(value, dict):
                kept = {**customer["metadata"], **value}
                customer["metadata"] = {key: text for key, text in kept.items() if text}
            elif name in customer:
                customer[name] = value or None
        return self._store.put(customer)

    def _tax_ids(self, customer: Object) -> list[Object]:
        return self._store.newest(
            "tax_id", lambda found: found["customer"] == customer["id"] and not found.get("deleted")
        )

    def _tax_id(self, customer: Object, params: dict[str, Any]) -> Object:
        kind, value = params["type"], params["value"]
        plain = re.sub(r"[\s.-]", "", value) if kind != "us_ein" else value
        if not re.fullmatch(SHAPES.get(kind, ".+"), plain):
            raise Refused(f"Invalid value for {kind}.", code="tax_id_invalid", param="value", executed=True)
        if len(self._tax_ids(customer)) >= TAX_IDS_MAX:
            raise Refused("A customer can have at most 5 tax IDs.", executed=True)
        made = {"id": new_id("txi"), "object": "tax_id", "country": plain[:2], "created": now(), "livemode": False}
        made |= {"customer": customer["id"], "type": kind, "value": value, "verification": None}
        return self._store.put(made)

    def _delete(self, customer: Object, tax_id: str) -> Object:
        found = self._store.get(tax_id, "tax_id")
        if found is None or found["customer"] != customer["id"]:
            raise missing("tax_id", tax_id)
        self._store.put(found | {"deleted": True})
        return {"id": tax_id, "object": "tax_id", "deleted": True}
