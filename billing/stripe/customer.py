"""A workspace's customer at Stripe."""

from uuid import uuid4

from billing.models import Payment, StripeCustomer
from billing.stripe import client


def customer_ensure(*, payment: Payment) -> str:
    """Its id; made at the first payment, once, however many pay at the same time."""
    row, _ = StripeCustomer.objects.get_or_create(
        workspace_id=payment.workspace_id, defaults={"idempotency_key": uuid4()}
    )
    if row.customer_id:
        return row.customer_id
    made = client.customer_create(
        workspace_id=payment.workspace_id,
        name=payment.workspace.name,
        email=payment.created_by.email if payment.created_by else "",
        idempotency_key=str(row.idempotency_key),
    )
    mine = StripeCustomer.objects.filter(pk=row.pk, customer_id__isnull=True, idempotency_key=row.idempotency_key)
    if mine.update(customer_id=made):
        return made
    row.refresh_from_db()  # somebody else was faster: theirs stands
    return row.customer_id or made
