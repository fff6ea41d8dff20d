"""What a workspace has chosen about its money: billing details, auto top-up, alerts. And its receipts."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.payments import Payment


class BillingDetails(models.Model):
    """Whom receipts are made out to. Sent to Stripe's customer after a change."""

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.CASCADE, primary_key=True)
    name = models.CharField(max_length=150, blank=True, default="", db_default="")
    line1 = models.CharField(max_length=150, blank=True, default="", db_default="")
    line2 = models.CharField(max_length=150, blank=True, default="", db_default="")
    postal_code = models.CharField(max_length=20, blank=True, default="", db_default="")
    city = models.CharField(max_length=100, blank=True, default="", db_default="")
    state = models.CharField(max_length=100, blank=True, default="", db_default="")
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    tax_number = models.CharField(max_length=40, blank=True, default="", db_default="")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "billing details"

    def __str__(self) -> str:
        return self.name


class AutoTopUp(models.Model):
    """Buy `amount_cents` of credit with the saved card once less than `threshold_nanousd` is left.

    At most `monthly_cap_cents` a calendar month (UTC), fee and tax included. `paused_at`: a charge failed; it goes on
    only when a person says so. `capped_at`, `capped_cents`: when the cap last stopped it, and what the cap was; its
    managers have been told.
    """

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.CASCADE, primary_key=True)
    enabled = models.BooleanField(default=False, db_default=False)
    threshold_nanousd = models.BigIntegerField()
    amount_cents = models.BigIntegerField()
    monthly_cap_cents = models.BigIntegerField()
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, default="", db_default="")
    capped_at = models.DateTimeField(null=True)
    capped_cents = models.BigIntegerField(null=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold_nanousd__gte=0, amount_cents__gt=0, monthly_cap_cents__gte=F("amount_cents")),
                name="auto_top_up_amounts_fit",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace"], condition=Q(enabled=True, paused_at__isnull=True), name="auto_top_up_at_work"
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount_cents} cents below {self.threshold_nanousd}"


class BalanceAlert(models.Model):
    """Mail owners and admins when less than `level_nanousd` is left: once, until the balance has recovered."""

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.CASCADE, primary_key=True)
    level_nanousd = models.BigIntegerField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(level_nanousd__gte=0), name="balance_alert_level_fits")]

    def __str__(self) -> str:
        return f"below {self.level_nanousd}"


class Receipt(models.Model):
    """What a payment was for, as it stood when it was paid. `details`: {"seller": {…}, "buyer": {…}}."""

    number = models.CharField(max_length=30, unique=True)
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="receipt")
    details = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.number


class Closing(models.Model):
    """A workspace that is being closed: its keys are stopped, and this is done once no call of it runs any more."""

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.CASCADE, primary_key=True)
    choice = models.CharField(max_length=10)
    target = models.ForeignKey("accounts.Workspace", on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"closing of {self.workspace_id}: {self.choice}"
