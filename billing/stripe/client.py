"""The only place that talks to Stripe. Never inside a transaction; every write has an idempotency key.

Callers see our own types and errors (errors.py), never the library's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import requests
import stripe
from django.conf import settings
from django.db import connection
from stripe.params import (
    BalanceTransactionListParams,
    CustomerCreateParams,
    CustomerTaxIdCreateParams,
    CustomerUpdateParams,
    CustomerUpdateParamsAddress,
    EventListParams,
    PaymentIntentCreateParams,
    RefundCreateParams,
    RefundListParams,
)
from stripe.params.checkout import SessionCreateParams
from stripe.params.tax import CalculationCreateParams

from billing.stripe.card import Card, card_parse
from billing.stripe.errors import PaymentRefused, StripeDown, StripeRefused
from billing.stripe.intent import Intent, intent_parse
from billing.stripe.items import session_item, tax_item
from billing.stripe.line import Line, line_parse
from billing.stripe.reversal import StripeDispute, StripeRefund, dispute_parse, refund_parse
from billing.stripe.session import Session, session_parse
from billing.stripe.tax import TaxCalculation, calculation_parse

PAGE_SIZE = 100


def payments_enabled() -> bool:
    """Whether this installation takes money: STRIPE_SECRET_KEY is set."""
    return bool(settings.STRIPE_SECRET_KEY)


def customer_create(*, workspace_id: int, name: str, email: str, idempotency_key: str) -> str:
    """The id of a customer at Stripe."""
    params: CustomerCreateParams = {"name": name, "metadata": {"workspace": str(workspace_id)}}
    if email:
        params["email"] = email
    with _calling() as client:
        made = client.v1.customers.create(params, {"idempotency_key": idempotency_key})
    return made.id


def customer_update(
    *, customer_id: str, name: str, address: dict[str, str], tax_number: str, idempotency_key: str
) -> None:
    """Tell Stripe whom a customer's payments are made out to. An empty address takes away what was there."""
    given = cast(CustomerUpdateParamsAddress, address)
    params: CustomerUpdateParams = {
        "name": name,
        "address": given if any(address.values()) else "",
        "metadata": {"tax_number": tax_number},
    }
    with _calling() as client:
        client.v1.customers.update(customer_id, params, {"idempotency_key": idempotency_key})


def customer_tax_id(*, customer_id: str, type_: str, value: str, idempotency_key: str) -> None:
    """Leave the customer with this tax id alone, or none where `type_` is empty; one that is refused is left out."""
    with _calling() as client:
        there = client.v1.customers.tax_ids.list(customer_id, {"limit": 100}).data
    for one in there:
        if (one.type, one.value) != (type_, value):
            with _calling() as client:
                client.v1.customers.tax_ids.delete(customer_id, one.id)
    if not type_ or any((one.type, one.value) == (type_, value) for one in there):
        return
    params = cast(CustomerTaxIdCreateParams, {"type": type_, "value": value})
    try:
        with _calling() as client:
            client.v1.customers.tax_ids.create(customer_id, params, {"idempotency_key": f"{idempotency_key}:tax"})
    except StripeRefused as error:
        if error.code != "tax_id_invalid":  # an invalid one still stands in the metadata
            raise


def session_create(
    *,
    payment_id: UUID,
    customer_id: str,
    amount_cents: int,
    fee_cents: int,
    save_card: bool,
    product: str,
    page_url: str,
    idempotency_key: str,
) -> tuple[str, str]:
    """(id, address) of a hosted page for `amount_cents` USD of credit and our fee, each a line of its own.

    People come back to `page_url`. With `save_card` the card is attached to the customer, for charges off-session.
    """
    items = [(product, amount_cents), *([("Top-up fee", fee_cents)] if fee_cents else [])]
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": str(payment_id),
        "line_items": [session_item(name, cents) for name, cents in items],
        "adaptive_pricing": {"enabled": False},  # in USD, whatever the buyer's country
        "metadata": {"payment": str(payment_id)},
        "payment_intent_data": {"metadata": {"payment": str(payment_id)}},
        "success_url": f"{page_url}?from=stripe",
        "cancel_url": f"{page_url}?from=cancel",
    }
    if save_card:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    if settings.XROUTE_STRIPE_TAX:
        params["automatic_tax"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
        params["billing_address_collection"] = "required"
        params["tax_id_collection"] = {"enabled": True}
    with _calling() as client:
        made = client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
    if not made.url:
        raise StripeRefused("a session came without an address", status=200, code="no_url", param="")
    return made.id, made.url


def session_retrieve(session_id: str) -> Session:
    """The session as it is now."""
    with _calling() as client:
        found = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent", "payment_intent.payment_method"]}
        )
    return session_parse(found.to_dict())


def refund_create(
    *, intent_id: str, amount_cents: int, refund_id: UUID, payment_id: UUID, idempotency_key: str
) -> StripeRefund:
    """Ask for a refund of part of a payment, and answer how it stands."""
    params: RefundCreateParams = {
        "payment_intent": intent_id,
        "amount": amount_cents,
        "metadata": {"refund": str(refund_id), "payment": str(payment_id)},
        "expand": ["payment_intent"],
    }
    with _calling() as client:
        made = client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
    return refund_parse(made.to_dict())


def refund_retrieve(refund_id: str) -> StripeRefund:
    """The refund as it is now."""
    with _calling() as client:
        found = client.v1.refunds.retrieve(refund_id, {"expand": ["payment_intent"]})
    return refund_parse(found.to_dict())


def refunds_list(*, charge_id: str = "", intent_id: str = "") -> list[StripeRefund]:
    """All refunds of a charge or of a payment intent, newest first."""
    with _calling() as client:
        which: RefundListParams = {"charge": charge_id} if charge_id else {"payment_intent": intent_id}
        page = client.v1.refunds.list(which | {"limit": 100, "expand": ["data.payment_intent"]})
        return [refund_parse(found.to_dict()) for found in page.auto_paging_iter()]


def dispute_retrieve(dispute_id: str, *, asked_at: datetime) -> StripeDispute:
    """The dispute as it is now; `asked_at` is from before."""
    with _calling() as client:
        found = client.v1.disputes.retrieve(dispute_id, {"expand": ["payment_intent"]})
    return dispute_parse(found.to_dict(), asked_at=asked_at)


def intent_charge(
    *, payment_id: UUID, customer_id: str, payment_method_id: str, total_cents: int, idempotency_key: str
) -> str:
    """Charge a saved card while nobody is there; the id of the intent, whatever became of it, also where the bank
    declined. Safe to repeat with the same values: it is the same charge.
    """
    params: PaymentIntentCreateParams = {
        "amount": total_cents,
        "currency": "usd",
        "customer": customer_id,
        "payment_method": payment_method_id,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "metadata": {"payment": str(payment_id)},
    }
    with _calling() as client:
        try:
            return client.v1.payment_intents.create(params, {"idempotency_key": idempotency_key}).id
        except stripe.IdempotencyError as error:
            raise StripeDown("another call was made under this key: what came of it is unknown") from error
        except stripe.CardError as error:
            intent = error.error and error.error.payment_intent
            if not intent:
                raise
            return intent.id


def intent_retrieve(intent_id: str) -> Intent:
    """The payment intent as it is now."""
    with _calling() as client:
        found = client.v1.payment_intents.retrieve(intent_id)
    return intent_parse(found.to_dict())


def card_retrieve(payment_method_id: str) -> Card | None:
    """A saved card as Stripe knows it now; None for a payment method of another type."""
    with _calling() as client:
        found = client.v1.payment_methods.retrieve(payment_method_id)
    return card_parse(found.to_dict())


def payment_methods(*, customer_id: str) -> list[str]:
    """The ids of whatever a customer may be charged by."""
    with _calling() as client:
        listed = client.v1.payment_methods.list({"customer": customer_id, "limit": 100})
        return [method.id for method in listed.auto_paging_iter()]


def payment_method_detach(payment_method_id: str) -> None:
    """Have Stripe forget it: it can never be charged again."""
    with _calling() as client:
        found = client.v1.payment_methods.detach(payment_method_id)
    if found.customer:
        raise StripeRefused("a payment method is still attached", status=200, code="still_attached", param="")


def tax_calculate(*, customer_id: str, amount_cents: int, fee_cents: int, idempotency_key: str) -> TaxCalculation:
    """What tax Stripe reckons on a top-up of this customer, whose address it knows."""
    items = [("credit", amount_cents), *([("fee", fee_cents)] if fee_cents else [])]
    params: CalculationCreateParams = {
        "currency": "usd",
        "customer": customer_id,
        "line_items": [tax_item(name, cents) for name, cents in items],
    }
    with _calling() as client:
        found = client.v1.tax.calculations.create(params, {"idempotency_key": idempotency_key})
    return calculation_parse(found.to_dict())


def tax_file(*, calculation_id: str, reference: str, idempotency_key: str) -> str:
    """The id of the tax transaction that makes a calculation count in Stripe's tax reports."""
    with _calling() as client:
        made = client.v1.tax.transactions.create_from_calculation(
            {"calculation": calculation_id, "reference": reference}, {"idempotency_key": idempotency_key}
        )
    return made.id


def balance_read() -> dict[str, int]:
    """What Stripe holds for us, available and pending together: cents by currency."""
    with _calling() as client:
        found = client.v1.balance.retrieve().to_dict()
    sums = {"usd": 0}
    for part in (*found["available"], *found["pending"]):
        sums[part["currency"]] = sums.get(part["currency"], 0) + int(part["amount"])
    return sums


def balance_lines(*, since_s: int) -> Iterator[Line]:
    """Stripe's balance transactions created since then, newest first; each page is a call of its own."""
    params: BalanceTransactionListParams = {"limit": PAGE_SIZE, "expand": ["data.source"], "created": {"gte": since_s}}
    while True:
        with _calling() as client:
            page = client.v1.balance_transactions.list(params)
        for found in page.data:
            yield line_parse(found.to_dict())
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id


def balance_line(line_id: str) -> Line:
    """One of them, as it is now."""
    with _calling() as client:
        found = client.v1.balance_transactions.retrieve(line_id, {"expand": ["source"]})
    return line_parse(found.to_dict())


def events_list(*, types: Sequence[str], since_s: int) -> Iterator[dict[str, Any]]:
    """Stripe's events of these types (20 at most) created since then, newest first; it keeps them for 30 days."""
    params: EventListParams = {"limit": PAGE_SIZE, "types": list(types), "created": {"gte": since_s}}
    while True:
        with _calling() as client:
            page = client.v1.events.list(params)
        for found in page.data:
            yield found.to_dict()
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id


@contextmanager
def _calling() -> Iterator[stripe.StripeClient]:
    if connection.in_atomic_block:
        raise RuntimeError("Stripe is never called inside a transaction.")
    if not payments_enabled():
        raise PaymentRefused("Payments are switched off here. Ask whoever runs this installation for credit.")
    try:
        yield _client(
            settings.STRIPE_SECRET_KEY,
            settings.STRIPE_API_BASE,
            settings.STRIPE_TIMEOUT_S,
            settings.STRIPE_RETRIES_MAX,
        )
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeDown(f"{type(error).__name__} at Stripe") from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        said = f"Stripe answered {status} ({error.code or type(error).__name__}, request {error.request_id})"
        if status >= 500 or status == 409:
            raise StripeDown(said) from error
        param = str(getattr(error, "param", None) or "")
        raise StripeRefused(
            f"{said}: {param or 'no parameter'}", status=status, code=error.code or "", param=param
        ) from error


@lru_cache(maxsize=4)
def _client(key: str, api_base: str, timeout_s: float, retries_max: int) -> stripe.StripeClient:
    session = None
    if api_base:  # the emulator on this machine: no proxy of the environment's in between
        session = requests.Session()
        session.trust_env = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": api_base} if api_base else None,
        http_client=stripe.RequestsClient(timeout=timeout_s, session=session),
        max_network_retries=retries_max,
    )
