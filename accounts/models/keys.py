"""Keys that call on a workspace's account, their secrets, and the notes of their changes."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from accounts.models.people import User, Workspace


class LimitReset(models.TextChoices):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def _limit(**options: Any) -> "models.BigIntegerField[int | None, int | None]":
    return models.BigIntegerField(null=True, blank=True, **options)


class ApiKey(models.Model):
    """The identity that limits and usage belong to; its secrets may change. `public_id` names it in the API."""

    public_id = models.UUIDField(db_default=RandomUUID(), unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    name = models.CharField(max_length=100)
    label = models.CharField(max_length=20)
    is_management = models.BooleanField(db_default=False, default=False)
    disabled = models.BooleanField(db_default=False, default=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    limit_nanousd = _limit()
    limit_reset = models.CharField(
        max_length=10, choices=LimitReset, default=LimitReset.NEVER, db_default=LimitReset.NEVER.value
    )
    requests_per_minute = _limit()
    tokens_per_minute = _limit()
    parallel_requests = _limit()
    allowed_models = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    allowed_cidrs = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Of the form that made it: the same form sent again makes no second key.
    form_nonce = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "form_nonce"], name="api_key_once_a_form"),
            models.CheckConstraint(condition=models.Q(limit_nanousd__gte=0), name="api_key_limit_not_negative"),
            models.CheckConstraint(condition=models.Q(limit_reset__in=LimitReset.values), name="api_key_reset_known"),
        ]

    def __str__(self) -> str:
        return self.label


class ApiKeySecret(models.Model):
    """One of a key's one or two secrets: while it is rotated with grace, both open the same identity."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"secret of {self.key_id}"


class KeyChange(models.Model):
    """What workers poll to forget a changed key (written by a database trigger, see migration 0002)."""

    seq = models.BigAutoField(primary_key=True)
    key_id = models.BigIntegerField()
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.seq}: key {self.key_id}"
