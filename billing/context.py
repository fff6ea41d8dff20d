"""The banner of every signed-in page: out of credit, auto top-up paused, or a failed payment, with what mends it."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest

from billing.models import AutoTopUp, CreditAccount, Payment, PaymentOrigin, PaymentStatus

REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """`declined` is a payment of the last day that failed and that none after it has made good."""

    posted_nanousd: int
    declined: UUID | None
    auto_paused: bool = False

    @property
    def out_of_credit(self) -> bool:
        return self.posted_nanousd <= 0


def banner(request: HttpRequest) -> dict[str, Any]:
    """`standing` of the current workspace: read in one query, only where a page shows it, and then once."""
    return {"standing": cache(lambda: _standing(request))}


def _standing(request: HttpRequest) -> Standing | None:
    workspace = getattr(request, "workspace", None)
    if workspace is None:
        return None
    later = Payment.objects.filter(workspace_id=OuterRef("workspace_id"), created_at__gt=OuterRef("created_at"))
    failed = Payment.objects.filter(
        ~Exists(later.filter(status=PaymentStatus.PAID)),
        workspace_id=OuterRef("workspace_id"),
        status=PaymentStatus.FAILED,
        origin=PaymentOrigin.CHECKOUT,
        created_at__gt=Now() - REMEMBERED,
    )
    rows = CreditAccount.objects.filter(workspace_id=workspace.pk)
    paused = AutoTopUp.objects.filter(workspace_id=OuterRef("workspace_id"), enabled=True, paused_at__isnull=False)
    newest = Subquery(failed.order_by("-created_at").values("id")[:1])
    found = rows.values_list("posted", newest, Exists(paused)).first()
    return Standing(*found) if found else None
