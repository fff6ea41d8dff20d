"""The ledger and the records in the operator's admin: to look at. Money moves through services only."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.admin_site import ReadOnly
from billing.models import (
    Books,
    CreditAccount,
    MeterBatch,
    Payment,
    RejectedUsage,
    StripeEvent,
    Transfer,
    UsageRecordRow,
    UsageRollup,
    Worker,
)
from xroute.lib import ids
from xroute.lib.money import usd_text

COUNTED_MAX = 10_000


class Glance(Paginator):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Counts no further than ten thousand rows: these tables grow without end."""

    @cached_property
    def count(self) -> int:
        return int(cast(Any, self.object_list)[:COUNTED_MAX].count())


class Booked(ReadOnly):
    paginator = Glance


@admin.register(CreditAccount)
class CreditAccountAdmin(Booked):
    list_display = ("__str__", "workspace", "house", "posted_usd", "reserved_usd")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name",)
    ordering = ("id",)

    @admin.display(description="posted, USD", ordering="posted")
    def posted_usd(self, row: CreditAccount) -> str:
        return usd(row.posted)

    @admin.display(description="reserved, USD", ordering="reserved")
    def reserved_usd(self, row: CreditAccount) -> str:
        return usd(row.reserved)


@admin.register(Transfer)
class TransferAdmin(Booked):
    list_display = ("id", "created_at", "kind", "amount_usd", "debit_account", "credit_account", "reference")
    list_select_related = ("debit_account", "credit_account")
    list_filter = ("kind",)
    search_fields = ("idempotency_key", "reference")
    ordering = ("-id",)

    @admin.display(description="USD", ordering="amount")
    def amount_usd(self, row: Transfer) -> str:
        return usd(row.amount)


@admin.register(UsageRecordRow)
class UsageRecordAdmin(Booked):
    list_display = ("id", "created_at", "workspace_id", "key_id", "model", "provider", "basis", "cost_usd")
    ordering = ("-created_at",)

    @admin.display(description="USD")
    def cost_usd(self, row: UsageRecordRow) -> str:
        return usd(row.cost_nanousd)

    def get_object(
        self,
        request: HttpRequest,
        object_id: str,
        from_field: str | None = None,  # noqa: ARG002
    ) -> models.Model | None:
        """By the whole primary key: the id holds the time, and the time names the partition."""
        try:
            found = UUID(object_id)
            return self.get_queryset(request).filter(pk=found, created_at=ids.created_at(found)).first()
        except (ValueError, OverflowError, OSError):
            return None


@admin.register(MeterBatch)
class MeterBatchAdmin(Booked):
    list_display = ("id", "created_at", "worker_id", "records", "cost_nanousd", "rolled_up")
    ordering = ("-created_at",)


@admin.register(RejectedUsage)
class RejectedUsageAdmin(Booked):
    list_display = ("id", "created_at", "batch_id", "error", "settled_at")
    ordering = ("-created_at",)


@admin.register(UsageRollup)
class UsageRollupAdmin(Booked):
    list_display = ("bucket", "workspace_id", "key_id", "model", "provider", "requests", "cost_nanousd")
    ordering = ("-id",)


@admin.register(Worker)
class WorkerAdmin(Booked):
    list_display = ("id", "node", "pid", "state", "beat", "started_at", "renewed_at")
    list_filter = ("state",)
    ordering = ("-started_at",)


@admin.register(Books)
class BooksAdmin(Booked):
    list_display = ("stamp", "created_at")


def usd(nanousd: int) -> str:
    """Exact, with its sign."""
    return f"{'−' if nanousd < 0 else ''}{usd_text(abs(nanousd))}"


@admin.register(Payment)
class PaymentAdmin(Booked):
    list_display = ("id", "created_at", "workspace", "status", "amount_usd", "error")
    list_select_related = ("workspace",)
    list_filter = ("status",)
    search_fields = ("session_id", "payment_intent_id", "workspace__name")
    ordering = ("-created_at",)

    @admin.display(description="USD", ordering="amount_nanousd")
    def amount_usd(self, row: Payment) -> str:
        return usd(row.amount_nanousd)


@admin.register(StripeEvent)
class StripeEventAdmin(Booked):
    list_display = ("id", "received_at", "type", "status", "attempts", "error")
    list_filter = ("status", "type")
    search_fields = ("id",)
    ordering = ("-received_at",)
