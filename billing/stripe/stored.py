"""An event as it is stored, from the webhook or from Stripe's list. Pure, but for the settings."""

from typing import Any

from billing.models import StripeEvent


def event_read(given: Any) -> StripeEvent | None:
    """The event in an object, not saved; None where it is no event."""
    found = _storable(given)
    if not isinstance(found, dict) or found.get("object") != "event":
        return None
    event_id, kind, livemode = found.get("id"), found.get("type"), found.get("livemode")
    if not isinstance(event_id, str) or not isinstance(kind, str) or not isinstance(livemode, bool):
        return None
    if not 0 < len(event_id) <= 255 or not 0 < len(kind) <= 100:
        return None
    return StripeEvent(id=event_id, type=kind, livemode=livemode, payload=found)


def _storable(value: Any) -> Any:
    """PostgreSQL's JSON has no NUL and no half characters, which a customer's name may have."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value
