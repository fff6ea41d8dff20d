"""The catalogue as it is kept: providers, models, endpoints and every price they ever had."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def _words() -> "ArrayField[list[str], list[str]]":
    return ArrayField(models.CharField(max_length=200), default=list, blank=True)


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

    def __str__(self) -> str:
        return self.name


class ProviderCredential(models.Model):
    """One account at a provider. `secret` is encrypted and bound to this row (routing/credentials.py)."""

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
    enabled = models.BooleanField(default=True)

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
