"""The only place that talks to Stripe. Every write has an idempotency key.

Callers see our own types and errors (errors.py), never the library's.
"""

from billing.stripe.client.calling import payments_enabled
from billing.stripe.client.charges import (
    card_retrieve,
    intent_charge,
    intent_retrieve,
    payment_method_detach,
    payment_methods,
)
from billing.stripe.client.customers import customer_create, customer_tax_id, customer_update
from billing.stripe.client.reading import balance_line, balance_lines, balance_read, events_list
from billing.stripe.client.reversals import dispute_retrieve, refund_create, refund_retrieve, refunds_list
from billing.stripe.client.sessions import session_create, session_expire, session_retrieve
from billing.stripe.client.tax import tax_calculate, tax_file

__all__ = [
    "balance_line",
    "balance_lines",
    "balance_read",
    "card_retrieve",
    "customer_create",
    "customer_tax_id",
    "customer_update",
    "dispute_retrieve",
    "events_list",
    "intent_charge",
    "intent_retrieve",
    "payment_method_detach",
    "payment_methods",
    "payments_enabled",
    "refund_create",
    "refund_retrieve",
    "refunds_list",
    "session_create",
    "session_expire",
    "session_retrieve",
    "tax_calculate",
    "tax_file",
]
