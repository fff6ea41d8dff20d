"""Accounts and the append-only transfers between them. All amounts are nano-USD."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class House(models.TextChoices):
    """The installation's own accounts. They keep no balance: the audit derives it from transfers."""

    BANK = "bank"
    STRIPE_CLEARING = "stripe_clearing"
    PROCESSING_FEES = "processing_fees"
    TAX_PAYABLE = "tax_payable"
    DISPUTES = "disputes"
    REVENUE = "revenue"
    PROMOTIONS = "promotions"
    REFUNDS = "refunds"
    WRITE_OFFS = "write_offs"


class TransferKind(models.TextChoices):
    USAGE = "usage"
    DEPOSIT = "deposit"
    TOP_UP = "top_up"
    PROMOTION = "promotion"
    REFUND = "refund"
    DISPUTE = "dispute"
    CORRECTION = "correction"
    WRITE_OFF = "write_off"
    TOP_UP_FEE = "top_up_fee"
    TAX = "tax"
    STRIPE_FEE = "stripe_fee"
    STRIPE_OTHER = "stripe_other"
    PAYOUT = "payout"
    MOVE = "move"
    EXPIRY = "expiry"
    FORFEIT = "forfeit"


class CreditAccount(models.Model):
    """One per workspace, and one per house account. Available = posted - reserved.

    `paid_in` is what was paid for and not paid back: the sum of transfers of the kinds in ledger.PAID.
    """

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.PROTECT, null=True, related_name="account")
    house = models.CharField(max_length=20, choices=House, null=True, unique=True)
    posted = models.BigIntegerField(default=0, db_default=0)
    reserved = models.BigIntegerField(default=0, db_default=0)
    exposed = models.BigIntegerField(default=0, db_default=0)
    paid_in = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="account_reserved_not_negative"),
            models.CheckConstraint(condition=Q(exposed__gte=0), name="account_exposed_not_negative"),
            models.CheckConstraint(
                condition=Q(workspace__isnull=False, house__isnull=True)
                | Q(workspace__isnull=True, house__isnull=False, posted=0, reserved=0, exposed=0),
                name="account_is_workspace_or_house",
            ),
        ]

    def __str__(self) -> str:
        return self.house or f"workspace {self.workspace_id}"


NOT_USAGE = ~Q(kind="usage")


class Transfer(models.Model):
    """Money moved once, from one account to another. Never changed; a mistake is mended by another."""

    debit_account = models.ForeignKey(CreditAccount, models.PROTECT, related_name="debits", db_index=False)
    credit_account = models.ForeignKey(CreditAccount, models.PROTECT, related_name="credits", db_index=False)
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=TransferKind)
    reference = models.CharField(max_length=200, default="", db_default="")
    idempotency_key = models.CharField(max_length=120, unique=True)
    batch_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit_account=F("credit_account")), name="transfer_between_two"),
            models.CheckConstraint(condition=Q(kind__in=TransferKind.values), name="transfer_kind_known"),
        ]
        # Usage debits a workspace and credits the house's revenue, always: what came in is told apart by its kind, so
        # that the house's millions of rows stand in no index of accounts.
        indexes = [
            models.Index(fields=["batch_id"], name="transfer_batch"),
            models.Index(fields=["debit_account", "id"], include=["amount"], name="transfer_out"),
            models.Index(
                fields=["debit_account", "id"],
                include=["amount"],
                condition=~Q(kind="usage"),
                name="transfer_out_other",
            ),
            models.Index(
                fields=["credit_account", "id"], include=["amount"], condition=~Q(kind="usage"), name="transfer_in"
            ),
            models.Index(fields=["created_at"], condition=~Q(kind="usage"), name="transfer_not_usage"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class BalanceMark(models.Model):
    """What stood on a workspace's account after one of its transfers: a place to count from (billing/marks.py)."""

    pk = models.CompositePrimaryKey("account_id", "transfer_id")
    account_id = models.BigIntegerField()
    transfer_id = models.BigIntegerField()
    balance = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.balance} after {self.transfer_id}"


class Books(models.Model):
    """The stamp of these books, set at the first migration: demo, test or live. One row."""

    id = models.SmallIntegerField(primary_key=True)
    stamp = models.CharField(max_length=10)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "books"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="books_one_row"),
            models.CheckConstraint(condition=Q(stamp__in=["demo", "test", "live"]), name="books_stamp_known"),
        ]

    def __str__(self) -> str:
        return self.stamp
