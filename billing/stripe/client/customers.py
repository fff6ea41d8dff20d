"""A workspace as a customer of Stripe."""

from typing import cast

from stripe.params import (
    CustomerCreateParams,
    CustomerTaxIdCreateParams,
    CustomerUpdateParams,
    CustomerUpdateParamsAddress,
)

from billing.stripe.client.calling import calling
from billing.stripe.errors import StripeRefused


def customer_create(*, workspace_id: int, name: str, email: str, idempotency_key: str) -> str:
    """The id of a customer at Stripe."""
    params: CustomerCreateParams = {"name": name, "metadata": {"workspace": str(workspace_id)}}
    if email:
        params["email"] = email
    with calling() as client:
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
    with calling() as client:
        client.v1.customers.update(customer_id, params, {"idempotency_key": idempotency_key})


def customer_tax_id(*, customer_id: str, type_: str, value: str, idempotency_key: str) -> None:
    """Leave the customer with this tax id alone, or none where `type_` is empty; one that is refused is left out."""
    with calling() as client:
        there = client.v1.customers.tax_ids.list(customer_id, {"limit": 100}).data
    for one in there:
        if (one.type, one.value) != (type_, value):
            with calling() as client:
                client.v1.customers.tax_ids.delete(customer_id, one.id)
    if not type_ or any((one.type, one.value) == (type_, value) for one in there):
        return
    params = cast(CustomerTaxIdCreateParams, {"type": type_, "value": value})
    try:
        with calling() as client:
            client.v1.customers.tax_ids.create(customer_id, params, {"idempotency_key": f"{idempotency_key}:tax"})
    except StripeRefused as error:
        if error.code != "tax_id_invalid":  # an invalid one still stands in the metadata
            raise
