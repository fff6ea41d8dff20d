"""What the operator did about money, and what the nightly audit found."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from xroute.lib.ids import new_id


class AdjustmentKind(models.TextChoices):
    GRANT = "grant"
    CORRECTION = "correction"
    WRITE_OFF = "write_off"


class Adjustment(models.Model):
    """Why an operator moved credit, and who. The transfer's idempotency key is `adjustment:<id>`. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id)
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.PROTECT, related_name="adjustments")
    kind = models.CharField(max_length=10, choices=AdjustmentKind)
    amount_nanousd = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AdjustmentKind.values), name="adjustment_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="correction") & ~Q(amount_nanousd=0) | Q(amount_nanousd__gt=0),
                name="adjustment_moves_something",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_a_reason"),
        ]
        indexes = [models.Index(fields=["-created_at"], name="adjustment_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_nanousd}"


class AuditRun(models.Model):
    """One audit of the books. `faults`: [{"check": text, "detail": text}, …]; `count` is of all, kept or not.

    `asked_by` is who wanted it by day; the nightly ones have none. `mailed_at`: operators were told of what it found.
    """

    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    count = models.IntegerField(default=0, db_default=0)
    faults = models.JSONField(default=list)
    error = models.TextField(default="", db_default="")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="audit_run_newest")]

    def __str__(self) -> str:
        return f"{self.started_at}: {self.count} faults"
