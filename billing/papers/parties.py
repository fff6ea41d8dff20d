"""Who sells and who buys, as they stand now: papers keep a copy."""

from typing import Any

from django.conf import settings

from accounts.installation import site
from accounts.models import Workspace
from billing.countries import COUNTRIES
from billing.models import BillingDetails


def seller() -> dict[str, Any]:
    """{"name", "lines", "tax_number", "email", "url"}"""
    found = site()
    lines = [line.strip() for line in settings.XROUTE_SELLER_ADDRESS.split(";")]
    return {
        "name": found.site_name,
        "lines": [line for line in lines if line],
        "tax_number": settings.XROUTE_SELLER_TAX_ID,
        "email": found.support_email,
        "url": found.public_url,
    }


def buyer(workspace: Workspace) -> dict[str, Any]:
    """{"name", "lines", "tax_number"}; without billing details the workspace's name alone."""
    row = BillingDetails.objects.filter(workspace=workspace).first() or BillingDetails()
    place = " ".join(part for part in (row.postal_code, row.city) if part)
    lines = [row.line1, row.line2, place, row.state, COUNTRIES.get(row.country, "")]
    return {
        "name": row.name or workspace.name,
        "lines": [line for line in lines if line],
        "tax_number": row.tax_number,
    }


def block(party: dict[str, Any]) -> list[str]:
    """A party in lines, for a paper."""
    tax = [f"Tax number: {party['tax_number']}"] if party.get("tax_number") else []
    more = [party[name] for name in ("email", "url") if party.get(name)]
    return [party["name"], *party["lines"], *tax, *more]
