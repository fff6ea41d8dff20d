"""Reading the API: objects by id, lists with their filters and pages, and what may be expanded. One row per kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stripe.params._balance_transaction_list_params import BalanceTransactionListParams
from stripe.params._balance_transaction_retrieve_params import BalanceTransactionRetrieveParams
from stripe.params._charge_list_params import ChargeListParams
from stripe.params._charge_retrieve_params import ChargeRetrieveParams
from stripe.params._customer_retrieve_params import CustomerRetrieveParams
from stripe.params._dispute_list_params import DisputeListParams
from stripe.params._dispute_retrieve_params import DisputeRetrieveParams
from stripe.params._event_list_params import EventListParams
from stripe.params._event_retrieve_params import EventRetrieveParams
from stripe.params._payment_intent_list_params import PaymentIntentListParams
from stripe.params._payment_intent_retrieve_params import PaymentIntentRetrieveParams
from stripe.params._payment_method_list_params import PaymentMethodListParams
from stripe.params._payment_method_retrieve_params import PaymentMethodRetrieveParams
from stripe.params._payout_list_params import PayoutListParams
from stripe.params._payout_retrieve_params import PayoutRetrieveParams
from stripe.params._refund_list_params import RefundListParams
from stripe.params._refund_retrieve_params import RefundRetrieveParams
from stripe.params.checkout._session_list_params import SessionListParams

from xroute.embedded.stripe import objects
from xroute.embedded.stripe.check import checked
from xroute.embedded.stripe.store import Object, Store
from xroute.embedded.stripe.wire import Refused, missing

Params = dict[str, Any]
LIST_DEFAULT, LIST_MAX, EXPAND_DEPTH_MAX = 10, 100, 4
# Parameters of lists that are no filters by the field of that name.
PAGING = frozenset(
    {
        "limit",
        "starting_after",
        "ending_before",
        "expand",
        "created",
        "types",
        "payout",
        "delivery_success",
        "arrival_date",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is read below /v1/<name>; no list without `listed`."""

    object: str
    retrieved: Any
    listed: Any = None


KINDS = {
    "balance_transactions": Kind("balance_transaction", BalanceTransactionRetrieveParams, BalanceTransactionListParams),
    "charges": Kind("charge", ChargeRetrieveParams, ChargeListParams),
    "customers": Kind("customer", CustomerRetrieveParams),
    "disputes": Kind("dispute", DisputeRetrieveParams, DisputeListParams),
    "events": Kind("event", EventRetrieveParams, EventListParams),
    "payment_intents": Kind("payment_intent", PaymentIntentRetrieveParams, PaymentIntentListParams),
    "payment_methods": Kind("payment_method", PaymentMethodRetrieveParams, PaymentMethodListParams),
    "payouts": Kind("payout", PayoutRetrieveParams, PayoutListParams),
    "refunds": Kind("refund", RefundRetrieveParams, RefundListParams),
}
SESSIONS = Kind("checkout.session", None, SessionListParams)
# By kind of object, the fields that hold another object's id.
EXPANDABLE: dict[str, frozenset[str]] = {
    "balance_transaction": frozenset({"source"}),
    "charge": frozenset({"balance_transaction", "customer", "payment_intent"}),
    "checkout.session": frozenset({"customer", "payment_intent"}),
    "dispute": frozenset({"charge", "payment_intent"}),
    "payment_intent": frozenset({"customer", "latest_charge", "payment_method"}),
    "payment_method": frozenset({"customer"}),
    "refund": frozenset({"balance_transaction", "charge", "failure_balance_transaction", "payment_intent"}),
    "payout": frozenset({"balance_transaction", "failure_balance_transaction"}),
}


def retrieve(store: Store, kind: Kind, object_id: str, raw: Params) -> Object:
    """One object. Raises Refused."""
    params = checked(kind.retrieved, raw)
    found = store.get(object_id, kind.object)
    if found is None:
        raise missing(kind.object, object_id)
    return expanded(store, found, params.get("expand", []))


def listed(store: Store, kind: Kind, path: str, raw: Params) -> Object:
    """A page of a list, newest first. Raises Refused."""
    params = checked(kind.listed, raw)
    created = _created(params.get("created", {}))
    if kind.object == "payment_method":
        _customer_known(store, params)
    types, delivered = params.get("types"), params.get("delivery_success")

    def wanted(found: Object) -> bool:
        same = all(_same(found, name, params[name]) for name in params if name not in PAGING)
        known = not types or found["type"] in types
        paid_out = "payout" not in params or params["payout"] in (found.get("_payout"), found["source"])
        taken = delivered is None or (found["pending_webhooks"] == 0) == delivered
        return same and known and paid_out and taken and created(found["created"])

    newest = sorted(store.newest(kind.object, wanted), key=lambda found: -found["created"])
    shown = page(path, newest, params)
    for name in params.get("expand", []):
        if not name.startswith("data."):
            raise Refused(f"This property cannot be expanded ({name}).", param="expand")
        shown["data"] = [expanded(store, item, [name.removeprefix("data.")]) for item in shown["data"]]
    return shown


def _customer_known(store: Store, params: Params) -> None:
    customer_id = params.get("customer") or ""
    if store.get(customer_id, "customer") is None:
        raise missing("customer", customer_id, param="customer", status=400)


def _same(found: Object, name: str, value: Any) -> bool:
    """An event's type may end in a star."""
    if name == "type" and isinstance(value, str) and value.endswith("*"):
        return str(found["type"]).startswith(value[:-1])
    return bool(found.get(name) == value)


def _created(given: Any) -> Callable[[int], bool]:
    """Whether a time is within what was asked for."""
    if not isinstance(given, dict):
        return lambda at: at == int(given)
    low = max(int(given.get("gte", 0)), int(given.get("gt", -1)) + 1)
    high = min(int(given.get("lte", 2**40)), int(given.get("lt", 2**40 + 1)) - 1)
    return lambda at: low <= at <= high


def page(path: str, found: list[Object], params: Params) -> Object:
    """Part of a list, as `limit`, `starting_after` and `ending_before` say."""
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


def expanded(store: Store, found: Object, names: list[str]) -> Object:
    """A copy of it with the objects in place of their ids; a name may go on into them (`a.b`). Raises Refused."""
    shown = dict(found)
    for name in names:
        first, _, rest = name.partition(".")
        if name == "line_items" and "_items" in found:
            shown[name] = {"object": "list", "data": found["_items"], "has_more": False, "url": ""}
            continue
        if name.count(".") >= EXPAND_DEPTH_MAX or first not in EXPANDABLE.get(found["object"], ()):
            raise Refused(f"This property cannot be expanded ({name}).", param="expand")
        inner = store.any(shown[first]) if isinstance(shown.get(first), str) else shown.get(first)
        shown[first] = objects.public(expanded(store, inner, [rest] if rest else [])) if inner else None
    return shown
