"""Stripe's own books as it told them, and how they compared with ours."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class MirrorStatus(models.TextChoices):
    """`booked`: our transfers say the same. `foreign`: of nothing of ours. `waiting`: ours is not there yet."""

    WAITING = "waiting"
    BOOKED = "booked"
    FOREIGN = "foreign"


class StripeBalanceTransaction(models.Model):
    """One line of Stripe's balance. Amounts in cents of `currency`; net = amount - fee."""

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=60)
    source = models.CharField(max_length=255, default="", db_default="")
    currency = models.CharField(max_length=3)
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    net_cents = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=MirrorStatus)
    note = models.CharField(max_length=300, default="", db_default="")
    payment = models.ForeignKey("billing.Payment", on_delete=models.PROTECT, null=True, related_name="lines")
    created_at = models.DateTimeField()
    mirrored_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=MirrorStatus.values), name="mirror_status_known"),
            models.CheckConstraint(
                condition=Q(net_cents=F("amount_cents") - F("fee_cents")), name="mirror_net_is_right"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="mirror_newest"),
            models.Index(fields=["created_at"], condition=~Q(status="booked"), name="mirror_not_booked"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class StripeComparison(models.Model):
    """One comparison of Stripe's balance with stripe_clearing.

    `differences`: [{"key", "cents", "what", "todo", "alert", "told"}, …]; what is left over is unexplained.
    """

    created_at = models.DateTimeField(db_default=Now())
    stripe_cents = models.BigIntegerField()
    ours_nanousd = models.BigIntegerField()
    differences = models.JSONField(default=list)
    unexplained_cents = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.created_at}: {self.unexplained_cents} cents unexplained"


class StripePlace(models.Model):
    """How far a sweep has read one of Stripe's lists: all that was created by `reached_at`, gaps and all.

    It moves when a sweep has read to its end. `full_at`: when the whole range was last read.
    """

    name = models.CharField(primary_key=True, max_length=20)
    reached_at = models.DateTimeField(null=True)
    full_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.reached_at}"
