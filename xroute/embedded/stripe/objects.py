"""The objects as Stripe shows them. Pure, but for the time and their ids."""

from typing import Any

from xroute.embedded.stripe.store import Object, new_id, now

API_VERSION = "2026-10-28.emulator"
EXPIRES_S = 24 * 3600


def customer(params: dict[str, Any]) -> Object:
    return {
        "id": new_id("cus"),
        "object": "customer",
        "address": params.get("address"),
        "balance": 0,
        "created": now(),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description"),
        "email": params.get("email"),
        "invoice_prefix": new_id("x")[2:10].upper(),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "name": params.get("name"),
        "phone": params.get("phone"),
        "preferred_locales": params.get("preferred_locales", []),
        "shipping": params.get("shipping"),
        "tax_exempt": params.get("tax_exempt", "none"),
    }


def line_item(params: dict[str, Any]) -> Object:
    price, quantity = params["price_data"], params["quantity"]
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "price": {
            "id": new_id("price"),
            "object": "price",
            "currency": price["currency"],
            "unit_amount": price["unit_amount"],
            "type": "one_time",
        },
        "quantity": quantity,
    }


def session(params: dict[str, Any], items: list[Object], base_url: str) -> Object:
    """A checkout session of mode payment, with its line items kept beside what is shown."""
    session_id, amount = new_id("cs_test"), sum(item["amount_total"] for item in items)
    taxed = params.get("automatic_tax", {}).get("enabled", False)
    status = "requires_location_inputs" if taxed else None
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": params.get("adaptive_pricing"),
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": taxed, "liability": None, "provider": None, "status": status},
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now(),
        "currency": items[0]["currency"],
        "customer": params.get("customer"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "expires_at": params.get("expires_at", now() + EXPIRES_S),
        "invoice": None,
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": "unpaid",
        "recovered_from": None,
        "setup_intent": None,
        "shipping_cost": None,
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params["success_url"],
        "tax_id_collection": params.get("tax_id_collection", {"enabled": False}),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": f"{base_url}/c/pay/{session_id}",
        "_items": items,
        "_update": params.get("customer_update", {}),
        "_intent": params.get("payment_intent_data", {}),
    }


def intent(paid_for: Object) -> Object:
    """The payment intent of a session."""
    wanted = paid_for["_intent"]
    return {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": paid_for["amount_total"],
        "amount_received": 0,
        "capture_method": "automatic",
        "created": now(),
        "currency": paid_for["currency"],
        "customer": paid_for["customer"],
        "description": wanted.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": wanted.get("metadata", {}),
        "payment_method": None,
        "payment_method_types": paid_for["payment_method_types"],
        "setup_future_usage": wanted.get("setup_future_usage"),
        "status": "requires_payment_method",
    }


def intent_alone(params: dict[str, Any]) -> Object:
    """A payment intent without a session."""
    return {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": params["amount"],
        "amount_received": 0,
        "capture_method": "automatic",
        "created": now(),
        "currency": params["currency"],
        "customer": params["customer"],
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "payment_method": params["payment_method"],
        "payment_method_types": ["card"],
        "setup_future_usage": None,
        "status": "requires_payment_method",
    }


def payment_error(code: str, decline_code: str, message: str) -> Object:
    return {"type": "card_error", "code": code, "decline_code": decline_code, "message": message}


def event(kind: str, about: Object) -> Object:
    """What happened to an object, as it was at that moment."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now(),
        "data": {"object": public(about)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def public(found: Object) -> Object:
    """What is shown of an object: all but our own notes."""
    return {name: value for name, value in found.items() if not name.startswith("_")}
