"""manage.py load_catalogue [--dry-run]: providers, models, endpoints and prices from routing/catalogue_data."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from routing.sandbox import sandbox_files
from routing.services import BadCatalogue, catalogue_files, catalogue_load


class Command(BaseCommand):
    help = "Load the catalogue's data files. Idempotent; keeps every price's history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")

    def handle(self, *_args: Any, dry_run: bool, **_: Any) -> None:
        files = catalogue_files()
        if settings.XROUTE_MODE != "production":
            files += sandbox_files(settings.XROUTE_SANDBOX_URL)
        try:
            with transaction.atomic():
                diff = catalogue_load(files=files)
                transaction.set_rollback(dry_run)
        except (BadCatalogue, KeyError, ValueError) as error:
            raise CommandError(f"The catalogue was not loaded: {error}") from error
        for line in diff.repriced:
            self.stdout.write(f"price: {line}")
        self.stdout.write(f"{len(diff.added)} endpoints new, {len(diff.repriced)} prices changed.")
