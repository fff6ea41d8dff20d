"""From the catalogue's data files to its tables, by `catalogue_load`. What operators add has pages of its own."""

from routing.loading.apply import catalogue_load
from routing.loading.diff import Diff
from routing.loading.entries import BadCatalogue, price_from_usd
from routing.loading.files import catalogue_files

__all__ = ["BadCatalogue", "Diff", "catalogue_files", "catalogue_load", "price_from_usd"]
