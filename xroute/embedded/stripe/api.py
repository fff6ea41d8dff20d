"""The part of Stripe's API that there is. Every answer is an object as JSON, or Refused."""

from typing import Any

from stripe.params._balance_retrieve_params import BalanceRetrieveParams
from stripe.params._customer_create_params import CustomerCreateParams
from stripe.params.checkout._session_create_params import SessionCreateParams
from stripe.params.checkout._session_expire_params import SessionExpireParams
from stripe.params.checkout._session_line_item_list_params import SessionLineItemListParams
from stripe.params.checkout._session_retrieve_params import SessionRetrieveParams

from xroute.embedded.stripe import objects, reading
from xroute.embedded.stripe.balance import Balance
from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.customers import Customers
from xroute.embedded.stripe.intents import Intents
from xroute.embedded.stripe.payments import Payments
from xroute.embedded.stripe.reversals import Reversals
from xroute.embedded.stripe.sessions import session_params
from xroute.embedded.stripe.store import Object, Store
from xroute.embedded.stripe.tax import Tax
from xroute.embedded.stripe.wire import Refused, missing, unknown

Params = dict[str, Any]


class Api:
    def __init__(
        self,
        store: Store,
        payments: Payments,
        intents: Intents,
        tax: Tax,
        balance: Balance,
        reversals: Reversals,
        base_url: str,
    ) -> None:
        self._store, self._payments, self._balance, self._base_url = store, payments, balance, base_url
        self._intents, self._tax, self._reversals = intents, tax, reversals
        self._customers = Customers(store)

    def answer(self, method: str, path: str, raw: Params) -> Object:
        """What a call answers. Raises Refused."""
        match (method, *path.strip("/").split("/")[1:]):
            case ("POST", "customers"):
                return self._store.put(objects.customer(checked(CustomerCreateParams, raw)))
            case (_, "customers", customer_id, *rest) if (method, rest) != ("GET", []):
                return self._customers.answer(method, path, customer_id, rest, raw)
            case ("POST", "checkout", "sessions"):
                return self._session_create(raw)
            case ("GET", "checkout", "sessions"):
                return reading.listed(self._store, reading.SESSIONS, path, raw)
            case ("GET", "checkout", "sessions", session_id):
                params = checked(SessionRetrieveParams, raw)
                return reading.expanded(self._store, self.session(session_id), params.get("expand", []))
            case ("POST", "checkout", "sessions", session_id, "expire"):
                checked(SessionExpireParams, raw)
                return self._expire(self.session(session_id))
            case ("GET", "checkout", "sessions", session_id, "line_items"):
                params = checked(SessionLineItemListParams, raw)
                return reading.page(path, self.session(session_id)["_items"], params)
            case ("POST", "refunds"):
                expand = [*raw["expand"].values()] if isinstance(raw.get("expand"), dict) else []
                return reading.expanded(self._store, self._reversals.refund_create(raw), expand)
            case ("POST", "payment_intents"):
                return self._intents.create(raw)
            case ("POST", "payment_intents", intent_id, "cancel"):
                return self._intents.cancel(intent_id, raw)
            case ("POST", "payment_methods", method_id, "detach"):
                return self._payments.detach(method_id, raw)
            case ("POST", "tax", "calculations"):
                return self._tax.calculate(raw)
            case ("POST", "tax", "transactions", "create_from_calculation"):
                return self._tax.file(raw)
            case ("GET", "balance"):
                checked(BalanceRetrieveParams, raw)
                return self._balance.shown()
            case ("GET", name, *rest) if name in reading.KINDS:
                return self._read(path, reading.KINDS[name], rest, raw)
        raise unknown(method, path)

    def session(self, session_id: str) -> Object:
        found = self._store.get(session_id, "checkout.session")
        if found is None:
            raise missing("checkout.session", session_id, param="session")
        return self._payments.look(found)

    def _session_create(self, raw: Params) -> Object:
        params = session_params(checked(SessionCreateParams, raw))
        if "customer" in params and self._store.get(params["customer"], "customer") is None:
            raise missing("customer", params["customer"], param="customer", status=400)
        items = [objects.line_item(item) for item in params["line_items"]]
        return self._store.put(objects.session(params, items, self._base_url))

    def _expire(self, session: Object) -> Object:
        if session["status"] != "open":
            message = f'Only Checkout Sessions with a status in ["open"] can be expired; it is {session["status"]}.'
            raise Refused(message, executed=True)
        self._payments.expire(session)
        return session

    def _read(self, path: str, kind: reading.Kind, rest: list[str], raw: Params) -> Object:
        self._balance.look()
        if len(rest) == 1:
            return reading.retrieve(self._store, kind, rest[0], raw)
        if not rest and kind.listed:
            return reading.listed(self._store, kind, path, raw)
        raise Refused(f"Unrecognized request URL (GET: {path}).", status=404)
