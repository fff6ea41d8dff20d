"""What Stripe tells us, and what people pay through it. The money itself is in transfers alone."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.parts import NANOUSD_PER_CENT
from xroute.lib.ids import new_id


class EventStatus(models.TextChoices):
    """`ignored`: of a type that nothing handles yet. `parked`: needs a person; never tried again by itself."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    PARKED = "parked"


class PaymentStatus(models.TextChoices):
    """A payment moves down this list only, and `paid` is final. `parked`: paid, but not as asked; needs a person."""

    OPEN = "open"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    PARKED = "parked"
    PAID = "paid"


class PaymentOrigin(models.TextChoices):
    """`auto`: charged to the saved card while nobody was there (auto top-up); it has no checkout session."""

    CHECKOUT = "checkout"
    AUTO = "auto"


class StripeEvent(models.Model):
    """One event as it came: stored first, its effect and `done` committed together."""

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=100)
    livemode = models.BooleanField()
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=EventStatus, default=EventStatus.WAITING, db_default="waiting")
    attempts = models.IntegerField(default=0, db_default=0)
    error = models.TextField(default="", db_default="")
    received_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=EventStatus.values), name="stripe_event_status_known"),
            models.CheckConstraint(
                condition=Q(status="waiting", processed_at__isnull=True)
                | Q(~Q(status="waiting"), processed_at__isnull=False),
                name="stripe_event_waits_or_is_processed",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="stripe_event_waiting"),
            models.Index(fields=["-received_at"], name="stripe_event_newest"),
            models.Index(fields=["-received_at"], condition=Q(status="parked"), name="stripe_event_parked"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class StripeCustomer(models.Model):
    """A workspace at Stripe. The row comes before the customer: `idempotency_key` makes two tries one customer.

    The card is the one that was saved by choice, as Stripe described it; `payment_method_id` empty: none is saved.
    """

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.PROTECT, primary_key=True)
    customer_id = models.CharField(max_length=255, unique=True, null=True)
    idempotency_key = models.UUIDField(unique=True)
    payment_method_id = models.CharField(max_length=255, default="", db_default="")
    card_brand = models.CharField(max_length=30, default="", db_default="")
    card_last4 = models.CharField(max_length=4, default="", db_default="")
    card_expires = models.CharField(max_length=7, default="", db_default="")
    details_sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.customer_id or f"workspace {self.workspace_id}"


class Payment(models.Model):
    """A top-up that someone asked for. `amount_*` is what was asked; `credited_nanousd` what Stripe said was paid.

    Paid by the customer: amount + fee (ours, known when asked) + tax (Stripe's, known when paid) = `total_cents`.
    Fee and tax are never credited. `id` is in the address of the return page: time-ordered, with 74 random bits.
    Of an auto top-up `customer_id`, `payment_method_id`, `tax_cents`, `tax_calculation_id` and `total_cents` are fixed
    before Stripe is first asked, at `asked_at`, so that a repeat is the same call. `paid_by_*` is the card or account
    that paid, saved or not, as Stripe told it with the payment (billing/stripe/card.py: PaidBy); empty: not known.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.PROTECT, related_name="payments")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    amount_cents = models.BigIntegerField()
    amount_nanousd = models.BigIntegerField()
    fee_cents = models.BigIntegerField(default=0, db_default=0)
    tax_cents = models.BigIntegerField(default=0, db_default=0)
    total_cents = models.BigIntegerField(null=True)
    origin = models.CharField(
        max_length=10, choices=PaymentOrigin, default=PaymentOrigin.CHECKOUT, db_default="checkout"
    )
    save_card = models.BooleanField(default=False, db_default=False)
    customer_id = models.CharField(max_length=255, default="", db_default="")
    payment_method_id = models.CharField(max_length=255, default="", db_default="")
    paid_by_brand = models.CharField(max_length=30, default="", db_default="")
    paid_by_last4 = models.CharField(max_length=4, default="", db_default="")
    tax_calculation_id = models.CharField(max_length=255, default="", db_default="")
    tax_transaction_id = models.CharField(max_length=255, default="", db_default="")
    asked_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=PaymentStatus, default=PaymentStatus.OPEN, db_default="open")
    session_id = models.CharField(max_length=255, unique=True, null=True)
    payment_intent_id = models.CharField(max_length=255, unique=True, null=True)
    url = models.TextField(default="", db_default="")
    error = models.TextField(default="", db_default="")
    credited_nanousd = models.BigIntegerField(null=True)
    idempotency_key = models.UUIDField(unique=True)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=PaymentStatus.values), name="payment_status_known"),
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, amount_nanousd=F("amount_cents") * NANOUSD_PER_CENT),
                name="payment_amount_positive",
            ),
            models.CheckConstraint(condition=Q(fee_cents__gte=0, tax_cents__gte=0), name="payment_fee_not_negative"),
            models.CheckConstraint(condition=Q(origin__in=PaymentOrigin.values), name="payment_origin_known"),
            models.UniqueConstraint(
                fields=["workspace"],
                condition=Q(origin="auto", status__in=["open", "processing"]),
                name="payment_one_auto_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="paid",
                    credited_nanousd__isnull=False,  # a comparison with NULL would satisfy the check
                    credited_nanousd__gt=0,
                    payment_intent_id__isnull=False,
                    paid_at__isnull=False,
                )
                | Q(~Q(status="paid"), credited_nanousd__isnull=True, paid_at__isnull=True),
                name="payment_paid_is_credited",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="payment_of_workspace"),
            models.Index(
                fields=["checked_at"], condition=Q(status__in=["open", "processing"]), name="payment_unsettled"
            ),
            models.Index(
                fields=["paid_at"],
                condition=Q(status="paid", tax_transaction_id="") & ~Q(tax_calculation_id=""),
                name="payment_tax_not_filed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"

    @property
    def paid_by(self) -> str:
        """Visa card ending in 4242, bank account ending in 6789; empty where that is not known."""
        if not self.paid_by_last4:
            return ""
        known = {"bank": "Bank account", "card": "Card", "unknown": "Card"}
        what = known.get(self.paid_by_brand) or f"{self.paid_by_brand.replace('_', ' ').capitalize()} card"
        return f"{what} ending in {self.paid_by_last4}"
