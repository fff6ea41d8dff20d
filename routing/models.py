"""The catalogue as it is kept: providers, models, endpoints and every price they ever had."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now


def _words() -> "ArrayField[list[str], list[str]]":
    return ArrayField(models.CharField(max_length=200), default=list, blank=True)


def _loaded() -> "models.JSONField[dict[str, Any], dict[str, Any]]":
    """What the data files said last; a field that differs from it was changed by the operator, and stays."""
    return models.JSONField(default=dict, db_default=Value({}, models.JSONField()), editable=False)


def _margin(name: str) -> models.CheckConstraint:
    """From the list price itself to ten times it, in hundredths of a per cent."""
    return models.CheckConstraint(condition=Q(margin_bp__isnull=True) | Q(margin_bp__range=(0, 90_000)), name=name)


class Pricing(models.Model):
    """One row: the margin where neither model nor provider has one of its own, and the fee on a workspace's own keys.

    Both in hundredths of a per cent of the list price.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    margin_bp = models.IntegerField(default=0, db_default=0)
    byok_fee_bp = models.IntegerField(default=500, db_default=500)

    class Meta:
        verbose_name_plural = "pricing"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="pricing_one_row"),
            models.CheckConstraint(
                condition=Q(margin_bp__range=(0, 90_000), byok_fee_bp__range=(0, 10_000)), name="pricing_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.margin_bp / 100:g} %"


class Provider(models.Model):
    """Who serves. A provider that is only configuration is a row here, not a class."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    base_url = models.URLField(max_length=300)
    wire_format = models.CharField(max_length=20, default="openai")
    cancel_stops_billing = models.BooleanField(default=True)
    credential_env = models.CharField(max_length=60, blank=True, default="")
    quirks = _words()
    enabled = models.BooleanField(default=True)
    # Until somebody knows better, a provider is one that keeps what it is sent.
    collects_data = models.BooleanField(default=True, db_default=True)
    zdr = models.BooleanField(default=False, db_default=False)
    data_policy_source = models.CharField(max_length=300, blank=True, default="", db_default="")
    # Added by the operator, not by a data file.
    own = models.BooleanField(default=False, db_default=False)
    margin_bp = models.IntegerField(null=True, blank=True)
    loaded = _loaded()

    class Meta:
        constraints = [_margin("provider_margin_bounded")]

    def __str__(self) -> str:
        return self.name


class ProviderCredential(models.Model):
    """One account at a provider. `secret` is encrypted and bound to this row (routing/credentials.py).

    With a `workspace` it is that workspace's own, used for nobody else.
    """

    workspace = models.ForeignKey(
        "accounts.Workspace", on_delete=models.CASCADE, null=True, blank=True, related_name="provider_credentials"
    )
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=100)
    secret = models.BinaryField()
    last_four = models.CharField(max_length=4)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.provider_id} {self.name}"


class Model(models.Model):
    """What callers name: author/slug, or one of its aliases."""

    slug = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=200)
    aliases = _words()
    description = models.TextField(blank=True, default="")
    context_length = models.IntegerField()
    max_output_tokens = models.IntegerField()
    input_modalities = _words()
    output_modalities = _words()
    released_at = models.DateTimeField(db_default=Now())
    margin_bp = models.IntegerField(null=True, blank=True)
    loaded = _loaded()

    class Meta:
        constraints = [_margin("model_margin_bounded")]

    def __str__(self) -> str:
        return self.slug


class Endpoint(models.Model):
    """A model served by one provider."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="endpoints")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="endpoints")
    upstream_id = models.CharField(max_length=200)
    context_length = models.IntegerField()
    max_output_tokens = models.IntegerField()
    capabilities = _words()
    quantization = models.CharField(max_length=20, blank=True, default="", db_default="")
    region = models.CharField(max_length=40, blank=True, default="", db_default="")
    # The day after which the provider says it no longer serves this.
    deprecates_at = models.DateField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    loaded = _loaded()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "provider", "upstream_id"], name="endpoint_once")]

    def __str__(self) -> str:
        return f"{self.model_id} at {self.provider_id}"


class EndpointPrice(models.Model):
    """A price from a moment on, in nano-USD per million. The newest is in force; none means not callable."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="prices")
    valid_from = models.DateTimeField(db_default=Now())
    input = models.BigIntegerField()
    output = models.BigIntegerField()
    cached_input = models.BigIntegerField(null=True)
    cache_write = models.BigIntegerField(null=True)
    reasoning = models.BigIntegerField(null=True)
    request = models.BigIntegerField(default=0)
    image = models.BigIntegerField(default=0)
    source = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(input__gte=0, output__gte=0, request__gte=0, image__gte=0),
                name="price_not_negative",
            )
        ]
        indexes = [models.Index(fields=["endpoint", "-valid_from"], name="price_newest")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} from {self.valid_from}"


class EndpointFigures(models.Model):
    """What was measured of an endpoint lately (routing.types.Figures as JSON): a task writes, every worker reads it."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="figures")
    figures = models.JSONField()
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "endpoint figures"

    def __str__(self) -> str:
        return f"{self.endpoint_id} at {self.computed_at}"


class EndpointMinute(models.Model):
    """Attempts at an endpoint that ended in a minute; kept for hours (routing/measuring.py)."""

    pk = models.CompositePrimaryKey("minute", "endpoint_id")
    minute = models.DateTimeField()
    endpoint_id = models.BigIntegerField()
    up = models.BigIntegerField()
    down = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.endpoint_id} at {self.minute}"


class EndpointSpread(models.Model):
    """How many answers of a minute fell into a step of a measure: `step` is on a logarithmic scale."""

    pk = models.CompositePrimaryKey("minute", "endpoint_id", "measure", "step")
    minute = models.DateTimeField()
    endpoint_id = models.BigIntegerField()
    measure = models.CharField(max_length=10, choices=[("latency", "Latency"), ("throughput", "Throughput")])
    step = models.SmallIntegerField()
    answers = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.endpoint_id} at {self.minute}: {self.measure} {self.step}"


class EndpointQuarter(models.Model):
    """Sums of 15 minutes, kept for a month. `first_byte_ms`, `tokens` and `token_ms` are of so many `answers`."""

    pk = models.CompositePrimaryKey("quarter", "endpoint_id")
    quarter = models.DateTimeField()
    endpoint_id = models.BigIntegerField()
    up = models.BigIntegerField()
    down = models.BigIntegerField()
    answers = models.BigIntegerField()
    first_byte_ms = models.BigIntegerField()
    tokens = models.BigIntegerField()
    token_ms = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.endpoint_id} at {self.quarter}"


class BatchToMeasure(models.Model):
    """A batch of records that is rolled up and not measured yet: a trigger queues it (migration 0006)."""

    batch_id = models.UUIDField(primary_key=True)

    class Meta:
        verbose_name_plural = "batches to measure"

    def __str__(self) -> str:
        return str(self.batch_id)
