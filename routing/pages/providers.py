"""What the operator's pages show of providers: which are connected, by what."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Prefetch, Q, QuerySet

from routing.catalogue import base_url, environment_secret, names_missing
from routing.credentials import CannotDecrypt, unseal
from routing.models import Endpoint, Provider, ProviderCredential
from routing.upstream import KeyCheck, key_check


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider of the catalogue. `missing` names what its address still needs from the environment."""

    provider: Provider
    models: int
    credentials: list[ProviderCredential]
    from_environment: bool
    missing: list[str]

    @property
    def connected(self) -> bool:
        usable = self.from_environment or any(row.enabled for row in self.credentials)
        return self.provider.enabled and usable and not self.missing


def catalogue_providers() -> QuerySet[Provider]:
    """Those that need a key (the sandbox needs none)."""
    return Provider.objects.exclude(quirks__contains=["no_credential"]).order_by("name", "slug")


def provider_rows() -> list[ProviderRow]:
    """All of them, in two queries; no secret is read."""
    stored = ProviderCredential.objects.filter(workspace=None).defer("secret").order_by("id")
    found = catalogue_providers().prefetch_related(Prefetch("credentials", stored, to_attr="stored"))
    return [
        ProviderRow(
            provider=provider,
            models=provider.models_count,
            credentials=provider.stored,
            from_environment=bool(environment_secret(provider.credential_env)),
            missing=names_missing(provider.slug, provider.base_url),
        )
        for provider in found.annotate(models_count=Count("endpoints", filter=Q(endpoints__enabled=True)))
    ]


def secret_of(provider: Provider, credential_id: int | None) -> str:
    """The key that is stored under this id, or the environment's; empty where it is not there or does not open."""
    if credential_id is None:
        return environment_secret(provider.credential_env)
    row = ProviderCredential.objects.filter(pk=credential_id, provider=provider, workspace=None).first()
    try:
        return unseal(bytes(row.secret), row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS) if row else ""
    except CannotDecrypt:
        return ""


def provider_check(provider: Provider, secret: str) -> KeyCheck:
    """Try a key at the provider's own address in the catalogue; no one else's choice decides where it is sent."""
    url = base_url(provider.slug, provider.base_url)
    if not url:
        names = ", ".join(names_missing(provider.slug, provider.base_url))
        return KeyCheck(0, 0, problem=f"Its address is not complete. Set {names} in the environment first.")
    if not secret:
        return KeyCheck(0, 0, problem="There is no such key, or it does not open with XROUTE_ENCRYPTION_KEYS.")
    return key_check(base_url=url, secret=secret, upstream_id=_cheapest(provider))


def _cheapest(provider: Provider) -> str:
    """The upstream name of the provider's model with the lowest price on file; empty where it has none."""
    found = Endpoint.objects.filter(provider=provider, enabled=True, prices__isnull=False)
    return found.order_by("prices__output", "id").values_list("upstream_id", flat=True).first() or ""
