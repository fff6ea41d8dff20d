"""The part of Stripe's API that there is. Every answer is an object as JSON, or Refused."""

from collections.abc import Callable
from typing import Any

from stripe.params._customer_create_params import CustomerCreateParams
from stripe.params._customer_retrieve_params import CustomerRetrieveParams
from stripe.params._event_list_params import EventListParams
from stripe.params._event_retrieve_params import EventRetrieveParams
from stripe.params._payment_intent_retrieve_params import PaymentIntentRetrieveParams
from stripe.params.checkout._session_create_params import SessionCreateParams
from stripe.params.checkout._session_expire_params import SessionExpireParams
from stripe.params.checkout._session_line_item_list_params import SessionLineItemListParams
from stripe.params.checkout._session_list_params import SessionListParams
from stripe.params.checkout._session_retrieve_params import SessionRetrieveParams

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.payments import Payments
from xroute.embedded.stripe.sessions import session_params
from xroute.embedded.stripe.store import Object, Store
from xroute.embedded.stripe.wire import Refused, missing

Params = dict[str, Any]
LIST_DEFAULT, LIST_MAX = 10, 100
KINDS = {"customers": "customer", "payment_intents": "payment_intent", "events": "event"}
RETRIEVE: dict[str, Any] = {
    "customers": CustomerRetrieveParams,
    "payment_intents": PaymentIntentRetrieveParams,
    "events": EventRetrieveParams,
}


class Api:
    def __init__(self, store: Store, payments: Payments, base_url: str) -> None:
        self._store, self._payments, self._base_url = store, payments, base_url

    def answer(self, method: str, path: str, raw: Params) -> Object:
        """What a call answers. Raises Refused."""
        match (method, *path.strip("/").split("/")[1:]):
            case ("POST", "customers"):
                return self._store.put(objects.customer(checked(CustomerCreateParams, raw)))
            case ("POST", "checkout", "sessions"):
                return self._session_create(raw)
            case ("GET", "checkout", "sessions"):
                return self._sessions(path, raw)
            case ("GET", "checkout", "sessions", session_id):
                params = checked(SessionRetrieveParams, raw)
                return self._expanded(self.session(session_id), params.get("expand", []))
            case ("POST", "checkout", "sessions", session_id, "expire"):
                checked(SessionExpireParams, raw)
                return self._expire(self.session(session_id))
            case ("GET", "checkout", "sessions", session_id, "line_items"):
                params = checked(SessionLineItemListParams, raw)
                return _page(path, self.session(session_id)["_items"], params)
            case ("GET", "events"):
                return self._events(path, raw)
            case ("GET", kind, object_id) if kind in KINDS:
                params = checked(RETRIEVE[kind], raw)
                found = self._store.get(object_id, KINDS[kind])
                if found is None:
                    raise missing(KINDS[kind], object_id)
                return self._expanded(found, params.get("expand", []))
        raise Refused(f"Unrecognized request URL ({method}: {path}).", status=404)

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

    def _sessions(self, path: str, raw: Params) -> Object:
        params = checked(SessionListParams, raw)
        names: list[str] = [name for name in ("customer", "payment_intent", "status") if name in params]
        return _page(path, self._store.newest("checkout.session", _same(params, names)), params)

    def _events(self, path: str, raw: Params) -> Object:
        params = checked(EventListParams, raw)
        types, created = params.get("types"), params.get("created", {})
        since = int(created.get("gte", 0)) if isinstance(created, dict) else int(created)
        same = _same(params, ["type"] if "type" in params else [])

        def wanted(found: Object) -> bool:
            return same(found) and (not types or found["type"] in types) and found["created"] >= since

        return _page(path, self._store.newest("event", wanted), params)

    def _expanded(self, found: Object, names: list[str]) -> Object:
        shown = dict(found)
        for name in names:
            if name == "line_items" and "_items" in found:
                shown[name] = {"object": "list", "data": found["_items"], "has_more": False, "url": ""}
            elif name in ("payment_intent", "customer") and name in found:
                shown[name] = self._store.any(found[name]) if found[name] else None
            else:
                raise Refused(f"This property cannot be expanded ({name}).", param="expand")
        return shown


def _same(params: Params, names: list[str]) -> Callable[[Object], bool]:
    return lambda found: all(found[name] == params[name] for name in names)


def _page(path: str, found: list[Object], params: Params) -> Object:
    limit = params.get("limit", LIST_DEFAULT)
    if not 1 <= limit <= LIST_MAX:
        raise Refused(f"Invalid limit: must be from 1 to {LIST_MAX}", param="limit")
    ids = [item["id"] for item in found]
    if (after := params.get("starting_after")) is not None:
        found = found[ids.index(after) + 1 :] if after in ids else []
    elif (before := params.get("ending_before")) is not None:
        found = found[max(0, ids.index(before) - limit) : ids.index(before)] if before in ids else []
    data = [objects.public(item) for item in found[:limit]]
    return {"object": "list", "data": data, "has_more": len(found) > limit, "url": path}
