"""Credit that is given: by code, and what ends one day."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class PromotionCode(models.Model):
    """A code for `amount_nanousd` of credit, once per workspace. Without `uses_max` anyone may; with, so many in all.

    `credit_days`: the credit given ends so many days after; empty: never.
    """

    code = models.CharField(max_length=40, unique=True)
    amount_nanousd = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True, blank=True)
    uses_max = models.IntegerField(null=True, blank=True)
    uses = models.IntegerField(default=0, db_default=0)
    credit_days = models.IntegerField(null=True, blank=True)
    enabled = models.BooleanField(default=True, db_default=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_nanousd__gt=0), name="promotion_amount_positive"),
            models.CheckConstraint(
                condition=Q(uses__gte=0) & (Q(uses_max__isnull=True) | Q(uses__lte=F("uses_max"))),
                name="promotion_uses_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(credit_days__isnull=True) | Q(credit_days__gt=0), name="promotion_days_positive"
            ),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9][A-Z0-9-]{2,39}$"), name="promotion_code_plain"),
        ]

    def __str__(self) -> str:
        return self.code


class PromotionUse(models.Model):
    """A workspace has had a code's credit."""

    promotion = models.ForeignKey(PromotionCode, on_delete=models.PROTECT, related_name="used")
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.PROTECT)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["promotion", "workspace"], name="promotion_once_per_workspace")]

    def __str__(self) -> str:
        return f"{self.promotion_id} by workspace {self.workspace_id}"


class ExpiringCredit(models.Model):
    """Credit that ends at a time: what is unspent of it then is taken back. `taken_nanousd` is set when it ended."""

    transfer = models.OneToOneField("billing.Transfer", on_delete=models.PROTECT, primary_key=True)
    account = models.ForeignKey("billing.CreditAccount", on_delete=models.PROTECT)
    amount_nanousd = models.BigIntegerField()
    expires_at = models.DateTimeField()
    warned_at = models.DateTimeField(null=True)
    taken_nanousd = models.BigIntegerField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_nanousd__isnull=True, ended_at__isnull=True)
                | Q(
                    taken_nanousd__isnull=False,
                    taken_nanousd__gte=0,
                    taken_nanousd__lte=F("amount_nanousd"),
                    ended_at__isnull=False,
                ),
                name="expiring_credit_ends_once",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(ended_at__isnull=True), name="expiring_credit_open")]

    def __str__(self) -> str:
        return f"{self.amount_nanousd} until {self.expires_at}"
