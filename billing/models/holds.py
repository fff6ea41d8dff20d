"""Credit held by workers. A hold lives by its worker's lease. All amounts are nano-USD."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Worker(models.Model):
    """A process that admits requests; its id is random for every start and every lost lease.

    `beat` counts renewals: it, not the clock, tells whether the worker lives (docs/decisions/0002).
    `op_seq` and `op_result` make its hold operations repeatable: the same number never runs twice.
    """

    id = models.UUIDField(primary_key=True)
    node = models.CharField(max_length=100)
    pid = models.IntegerField()
    state = models.CharField(max_length=10, default="live", db_default="live")
    beat = models.BigIntegerField(default=0, db_default=0)
    op_seq = models.BigIntegerField(default=0, db_default=0)
    op_result = models.JSONField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    renewed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["live", "expired", "closed"]), name="worker_state_known")
        ]
        indexes = [models.Index(fields=["state"], condition=Q(state="live"), name="worker_live")]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class Reservation(models.Model):
    """What one worker holds of one account; `exposure` is what it may let run unreserved."""

    pk = models.CompositePrimaryKey("worker_id", "account_id")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, db_constraint=False)
    account = models.ForeignKey("billing.CreditAccount", on_delete=models.PROTECT, db_constraint=False)
    amount = models.BigIntegerField(default=0)
    exposure = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0, exposure__gte=0), name="reservation_not_negative")
        ]
        indexes = [models.Index(fields=["account"], name="reservation_account")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.account_id}"


class KeyPeriod(models.Model):
    """What a key with a limit has spent and holds in one period; a row per period, never zeroed."""

    pk = models.CompositePrimaryKey("key_id", "period_start")
    key_id = models.BigIntegerField()
    period_start = models.DateField()
    posted = models.BigIntegerField(default=0, db_default=0)
    reserved = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(reserved__gte=0), name="key_period_reserved_not_negative")]

    def __str__(self) -> str:
        return f"{self.key_id} from {self.period_start}"


class KeyReservation(models.Model):
    """What one worker holds of one key's period."""

    pk = models.CompositePrimaryKey("worker_id", "key_id", "period_start")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, db_constraint=False)
    key_id = models.BigIntegerField()
    period_start = models.DateField()
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="key_reservation_not_negative")]
        indexes = [models.Index(fields=["key_id", "period_start"], name="key_reservation_key")]

    def __str__(self) -> str:
        return f"{self.amount} of key {self.key_id}"
