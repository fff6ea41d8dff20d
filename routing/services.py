"""Writes of routing: credentials; of the catalogue see routing.loading, which is named here, too."""

from django.conf import settings
from django.db import transaction

from routing.credentials import seal
from routing.loading import BadCatalogue, Diff, catalogue_files, catalogue_load, price_from_usd
from routing.models import Provider, ProviderCredential

__all__ = [
    "BadCatalogue",
    "Diff",
    "catalogue_files",
    "catalogue_load",
    "credential_add",
    "credential_delete",
    "credential_switch",
    "price_from_usd",
]


def credential_add(*, provider: Provider, name: str, secret: str) -> ProviderCredential:
    """Store a credential, encrypted."""
    with transaction.atomic():
        row = ProviderCredential.objects.create(provider=provider, name=name, secret=b"", last_four=secret[-4:])
        row.secret = seal(secret, row_id=row.pk, keys=settings.XROUTE_ENCRYPTION_KEYS)
        row.save(update_fields=["secret"])
    return row


def credential_switch(*, credential: ProviderCredential, enabled: bool) -> None:
    """Use a stored credential, or leave it unused; every worker follows within 5 seconds."""
    ProviderCredential.objects.filter(pk=credential.pk).update(enabled=enabled)


def credential_delete(*, credential: ProviderCredential) -> None:
    """Forget a stored credential for good."""
    ProviderCredential.objects.filter(pk=credential.pk).delete()
