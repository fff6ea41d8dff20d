"""What may be called, kept in memory: `Catalogue` keeps a `Snapshot` up to date."""

from routing.catalogue.address import base_url, environment_secret, names_missing
from routing.catalogue.keeper import Catalogue
from routing.catalogue.snapshot import Snapshot

__all__ = ["Catalogue", "Snapshot", "base_url", "environment_secret", "names_missing"]
