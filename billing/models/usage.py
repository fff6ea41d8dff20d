"""What was served: records in their batches, the ones that could not be booked, and sums for charts."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class MeterBatch(models.Model):
    """Records that were committed together, exactly once."""

    id = models.UUIDField(primary_key=True)
    worker_id = models.UUIDField()
    records = models.IntegerField()
    cost_nanousd = models.BigIntegerField()
    rolled_up = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "meter batches"
        indexes = [models.Index(fields=["created_at"], condition=Q(rolled_up=False), name="meter_batch_waiting")]

    def __str__(self) -> str:
        return f"{self.id}: {self.records}"


class UsageRecord(models.Model):
    """One generation. The table is partitioned by month of created_at (migration 0002 makes it).

    `basis` says where the token counts come from: reported, estimated or not_charged; `reason` why.
    `cost_nanousd` is charged; `house_nanousd` is what the house bears instead.
    `list_nanousd` is the same usage at the provider's own price, `margin_bp` what was put on it, `byok` whether it was
    the workspace's own account there; `route` explains the choice.
    """

    pk = models.CompositePrimaryKey("created_at", "id")
    created_at = models.DateTimeField()
    id = models.UUIDField()
    batch_id = models.UUIDField()
    worker_id = models.UUIDField()
    workspace_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    key_id = models.BigIntegerField()
    period_start = models.DateField(null=True)
    request_id = models.CharField(max_length=100)
    upstream_id = models.CharField(max_length=200)
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=100)
    endpoint_id = models.BigIntegerField()
    price_id = models.BigIntegerField()
    streamed = models.BooleanField()
    cancelled = models.BooleanField()
    late = models.BooleanField()
    basis = models.CharField(max_length=20)
    reason = models.CharField(max_length=60)
    finish_reason = models.CharField(max_length=60)
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    cache_write_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    house_nanousd = models.BigIntegerField()
    held_nanousd = models.BigIntegerField()
    latency_ms = models.IntegerField()
    first_byte_ms = models.IntegerField()
    attempts = models.JSONField()
    list_nanousd = models.BigIntegerField()
    margin_bp = models.IntegerField()
    byok = models.BooleanField()
    route = models.JSONField()

    class Meta:
        managed = False
        db_table = "billing_usagerecord"

    def __str__(self) -> str:
        return str(self.id)


class UsageRecordRow(models.Model):
    """The same table with the id alone as its key: Django's admin takes no composite one. Only read."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    workspace_id = models.BigIntegerField()
    key_id = models.BigIntegerField()
    batch_id = models.UUIDField()
    request_id = models.CharField(max_length=100)
    upstream_id = models.CharField(max_length=200)
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=100)
    streamed = models.BooleanField()
    cancelled = models.BooleanField()
    basis = models.CharField(max_length=20)
    reason = models.CharField(max_length=60)
    finish_reason = models.CharField(max_length=60)
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    house_nanousd = models.BigIntegerField()
    latency_ms = models.IntegerField()
    attempts = models.JSONField()

    class Meta:
        managed = False
        db_table = "billing_usagerecord"
        verbose_name = "usage record"

    def __str__(self) -> str:
        return str(self.id)


class RejectedUsage(models.Model):
    """A record that the database refused. It stands here with its error until a person settles it."""

    id = models.UUIDField(primary_key=True)
    batch_id = models.UUIDField()
    payload = models.JSONField()
    error = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "rejected usage"

    def __str__(self) -> str:
        return str(self.id)


class UsageRollup(models.Model):
    """Sums of records by 15 minutes, in UTC: zones of 30 and 45 minutes fall on its borders.

    `list_nanousd` is at the providers' own prices, what the house pays there; `byok_nanousd` likewise, what workspaces
    pay on their own accounts there.
    """

    bucket = models.DateTimeField()
    workspace_id = models.BigIntegerField()
    key_id = models.BigIntegerField()
    model = models.CharField(max_length=200)
    provider = models.CharField(max_length=100)
    requests = models.BigIntegerField()
    not_charged = models.BigIntegerField()
    prompt_tokens = models.BigIntegerField()
    completion_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    house_nanousd = models.BigIntegerField()
    latency_ms = models.BigIntegerField()
    list_nanousd = models.BigIntegerField(default=0, db_default=0)
    byok_nanousd = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "bucket", "key_id", "model", "provider"], name="usage_rollup_once"
            )
        ]
        indexes = [
            models.Index(fields=["key_id", "bucket"], name="usage_rollup_key"),
            BrinIndex(fields=["bucket"], name="usage_rollup_time", pages_per_range=16, autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.bucket} {self.workspace_id}"


class KeyTotal(models.Model):
    """All that a key ever used, as far as it is rolled up: the sum of its rollups. `last_bucket` is the newest."""

    key_id = models.BigIntegerField(primary_key=True)
    requests = models.BigIntegerField()
    cost_nanousd = models.BigIntegerField()
    last_bucket = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key_id}: {self.cost_nanousd}"
