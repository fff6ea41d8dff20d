"""Whom receipts are made out to; Stripe's customer is told after a change, by a sweep that tries until it is done."""

import logging
import re

from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Workspace
from billing.countries import EU
from billing.models import BillingDetails, StripeCustomer
from billing.stripe import client
from billing.stripe.cards import customer_forget
from billing.stripe.errors import StripeDown, StripeRefused

logger = logging.getLogger("xroute.billing")
FIELDS = ("name", "line1", "line2", "postal_code", "city", "state", "country", "tax_number")
SWEEP_MAX = 50
TAX_TYPES = {
    "GB": "gb_vat",
    "CH": "ch_vat",
    "NO": "no_vat",
    "AU": "au_abn",
    "US": "us_ein",
    "IN": "in_gst",
    "NZ": "nz_gst",
}


def details_get(*, workspace_id: int) -> BillingDetails:
    """The workspace's details; empty ones where it has none."""
    found = BillingDetails.objects.filter(workspace_id=workspace_id).first()
    return found or BillingDetails(workspace_id=workspace_id)


def details_save(*, workspace: Workspace, values: dict[str, str]) -> bool:
    """Keep them; whether anything changed."""
    wanted = {name: values.get(name, "").strip() for name in FIELDS}
    found = details_get(workspace_id=workspace.pk)
    if all(getattr(found, name) == value for name, value in wanted.items()):
        return False
    BillingDetails.objects.update_or_create(workspace=workspace, defaults=wanted | {"changed_at": Now()})
    return True


def tax_type(details: BillingDetails) -> str:
    """Stripe's name for the tax number's kind; empty where we do not know it."""
    number = re.sub(r"[^A-Z0-9]", "", details.tax_number.upper())
    prefix = "EL" if details.country == "GR" else details.country
    if details.country in EU:
        return "eu_vat" if number.startswith(prefix) else ""
    return TAX_TYPES.get(details.country, "") if number else ""


def details_sweep() -> int:
    """Send what changed since it was last sent; how many customers were told."""
    if not client.payments_enabled():
        return 0
    rows = StripeCustomer.objects.filter(customer_id__isnull=False, workspace__billingdetails__isnull=False)
    due = rows.filter(Q(details_sent_at=None) | Q(details_sent_at__lt=F("workspace__billingdetails__changed_at")))
    told = 0
    for row in due.select_related("workspace__billingdetails").order_by("pk")[:SWEEP_MAX]:
        try:
            _send(row, row.workspace.billingdetails)
        except StripeDown as error:
            logger.warning("billing details are not sent: %s", error)
            break
        told += 1
    return told


def _send(row: StripeCustomer, details: BillingDetails) -> None:
    """The same change has the same key: sent twice, it is one. The mark is that of what was sent, not of now."""
    mark = f"{row.customer_id}:details:{details.changed_at.timestamp():.6f}"
    try:
        client.customer_update(
            customer_id=row.customer_id or "",
            name=details.name or row.workspace.name,
            address={name: getattr(details, name) for name in FIELDS[1:-1]},
            tax_number=details.tax_number,
            idempotency_key=mark,
        )
        client.customer_tax_id(
            customer_id=row.customer_id or "", type_=tax_type(details), value=details.tax_number, idempotency_key=mark
        )
    except StripeRefused as error:
        if error.code == "resource_missing":  # deleted in Stripe's dashboard: the next payment makes another
            customer_forget(workspace_id=row.pk, customer_id=row.customer_id or "")
            return
        logger.error("ALERT billing details of workspace %s: %s", row.pk, error)
    StripeCustomer.objects.filter(pk=row.pk, customer_id=row.customer_id).update(details_sent_at=details.changed_at)
