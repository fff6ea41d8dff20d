"""Money that goes back: refunds and disputes of payments. What moved is in transfers alone."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.payments import Payment
from billing.parts import NANOUSD_PER_CENT
from xroute.lib.ids import new_id


class RefundStatus(models.TextChoices):
    """`asked`: debited here, Stripe's answer unknown. `pending`: Stripe has it. `failed`: given back here."""

    ASKED = "asked"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundOrigin(models.TextChoices):
    OPERATOR = "operator"
    CLOSING = "closing"
    STRIPE = "stripe"


class Refund(models.Model):
    """Part of a payment on its way back to whoever paid. `amount_cents` = credit + fee + tax, each nano-USD.

    One of ours is debited first, then asked for at Stripe under its own idempotency key; `stripe_id` comes later. One
    made in Stripe's dashboard (`origin` stripe) arrives with its id.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    origin = models.CharField(max_length=10, choices=RefundOrigin)
    status = models.CharField(max_length=10, choices=RefundStatus)
    amount_cents = models.BigIntegerField()
    credit_nanousd = models.BigIntegerField()
    fee_nanousd = models.BigIntegerField(default=0, db_default=0)
    tax_nanousd = models.BigIntegerField(default=0, db_default=0)
    stripe_id = models.CharField(max_length=255, unique=True, null=True)
    reason = models.CharField(max_length=500, default="", db_default="")
    error = models.TextField(default="", db_default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RefundStatus.values), name="refund_status_known"),
            models.CheckConstraint(condition=Q(origin__in=RefundOrigin.values), name="refund_origin_known"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, credit_nanousd__gte=0, fee_nanousd__gte=0, tax_nanousd__gte=0)
                & Q(credit_nanousd=F("amount_cents") * NANOUSD_PER_CENT - F("fee_nanousd") - F("tax_nanousd")),
                name="refund_is_the_sum_of_its_parts",
            ),
        ]
        indexes = [
            models.Index(fields=["checked_at"], condition=Q(status__in=["asked", "pending"]), name="refund_unsettled")
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class CreditNote(models.Model):
    """The paper of a refund that is final, as of that moment. `details`: {"seller": …, "buyer": …, "receipt": text}."""

    number = models.CharField(max_length=30, unique=True)
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="credit_note")
    details = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.number


class Dispute(models.Model):
    """A payment that the cardholder disputes, as Stripe told it when it was asked last (`asked_at`).

    `held_*` is what is taken back at present; `moves` counts how often that changed.
    """

    id = models.CharField(primary_key=True, max_length=255)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=60, default="", db_default="")
    amount_cents = models.BigIntegerField()
    held_credit_nanousd = models.BigIntegerField(default=0, db_default=0)
    held_fee_nanousd = models.BigIntegerField(default=0, db_default=0)
    held_tax_nanousd = models.BigIntegerField(default=0, db_default=0)
    moves = models.IntegerField(default=0, db_default=0)
    asked_at = models.DateTimeField(null=True)
    evidence_due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    amount_cents__gt=0,
                    held_credit_nanousd__gte=0,
                    held_fee_nanousd__gte=0,
                    held_tax_nanousd__gte=0,
                    moves__gte=0,
                ),
                name="dispute_holds_no_less_than_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"
