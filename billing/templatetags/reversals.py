"""What came back of a payment, for its chip."""

from django import template

from billing.models import Payment
from billing.payments_list import payment_reversal

register = template.Library()


@register.filter
def reversal(payment: Payment) -> str:
    """A word such as `partly refunded`; "" where nothing came back."""
    return payment_reversal(payment)


@register.filter
def words(name: str) -> str:
    """A name of Stripe's as words: needs_response → needs response."""
    return name.replace("_", " ")
