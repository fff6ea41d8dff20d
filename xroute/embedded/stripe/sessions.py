"""What Stripe asks of a new checkout session beyond its types. Pure."""

from typing import Any
from urllib.parse import urlsplit

from xroute.embedded.stripe.store import now
from xroute.embedded.stripe.wire import Refused

AMOUNT_MIN, AMOUNT_MAX = 50, 99_999_999
EXPIRES_MIN_S, EXPIRES_MAX_S = 30 * 60, 24 * 3600
CURRENCIES = ("usd", "eur", "gbp", "chf")


def session_params(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters, where a session can be made of them. Raises Refused."""
    for name in ("mode", "line_items", "success_url"):
        _need(params, name)
    if params["mode"] != "payment":
        raise Refused(f"This emulator knows mode payment only, not {params['mode']}.", param="mode")
    for name in ("success_url", "cancel_url"):
        split = urlsplit(params.get(name) or "https://a")
        if split.scheme not in ("http", "https") or not split.netloc:
            raise Refused("Not a valid URL", code="url_invalid", param=name)
    if "customer" in params and "customer_email" in params:
        raise Refused("You may only specify one of these parameters: customer, customer_email.", param="customer")
    expires_s = params.get("expires_at", now() + EXPIRES_MAX_S) - now()
    if not EXPIRES_MIN_S - 60 <= expires_s <= EXPIRES_MAX_S + 60:
        raise Refused("The `expires_at` timestamp must be 30 minutes to 24 hours from now.", param="expires_at")
    _customer(params)
    for position, item in enumerate(params["line_items"]):
        _item(item, f"line_items[{position}]")
    _total(params["line_items"])
    return params


def _customer(params: dict[str, Any]) -> None:
    """What goes only with a customer, and what a customer then has to allow."""
    update = params.get("customer_update", {})
    if update and "customer" not in params:
        raise Refused("`customer_update` can only be used with `customer`.", param="customer_update")
    if "customer" not in params:
        return
    if params.get("automatic_tax", {}).get("enabled") and update.get("address") != "auto":
        message = "Automatic tax calculation in Checkout requires `customer_update[address]` to be 'auto'."
        raise Refused(message, code="customer_tax_location_invalid", param="customer_update[address]")
    if params.get("tax_id_collection", {}).get("enabled") and update.get("name") != "auto":
        message = "Tax ID collection requires updating business name on the customer: set `customer_update[name]`."
        raise Refused(message, param="customer_update[name]")


def _need(params: dict[str, Any], name: str, where: str = "") -> None:
    if not params.get(name):
        param = f"{where}[{name}]" if where else name
        raise Refused(f"Missing required param: {param}.", code="parameter_missing", param=param)


def _item(item: dict[str, Any], where: str) -> None:
    if "price" in item:
        raise Refused("This emulator has no stored prices: use price_data.", param=f"{where}[price]")
    for name in ("price_data", "quantity"):
        _need(item, name, where)
    price, inside = item["price_data"], f"{where}[price_data]"
    for name in ("unit_amount", "product_data"):
        _need(price, name, inside)
    if price["currency"] not in CURRENCIES:
        raise Refused(f"Invalid currency: {price['currency']}.", param=f"{inside}[currency]")
    if price["unit_amount"] < 0 or item["quantity"] < 1:
        raise Refused("Invalid non-negative integer", code="parameter_invalid_integer", param=f"{inside}[unit_amount]")


def _total(items: list[dict[str, Any]]) -> None:
    if len({item["price_data"]["currency"] for item in items}) > 1:
        raise Refused("All line items must be in the same currency.", param="line_items")
    total = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in items)
    if total < AMOUNT_MIN:
        raise Refused("The total is below the least that can be charged.", code="amount_too_small")
    if total > AMOUNT_MAX:
        raise Refused("The total is above the most that can be charged.", code="amount_too_large")
