"""manage.py load_catalogue [--yes] [--dry-run]: providers, models, endpoints and prices from routing/catalogue_data.

What is new is loaded with its price, and other facts follow the files. A price that changed changes what customers
pay: it is shown, and comes into force only after a yes on a terminal or with --yes. Without either (`make run`, a
deployment's script) it is left as it was, and standard error says so; the status is 0, for all else is up to date.
"""

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from routing.loading import BadCatalogue, Diff, catalogue_files, catalogue_load
from routing.sandbox import sandbox_files


class Command(BaseCommand):
    help = "Load the catalogue's data files. Idempotent; keeps every price's history; asks before it changes a price."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        parser.add_argument("--yes", action="store_true", help="change prices without asking")

    def handle(self, *_args: Any, dry_run: bool, yes: bool, **_: Any) -> None:
        try:
            diff = self._load(apply_prices=yes, dry_run=dry_run)
            for line in _lines(diff):
                self.stdout.write(line)
            if diff.repriced and not (yes or dry_run):
                yes = self._agreed(len(diff.repriced))
                if yes:
                    self._load(apply_prices=True, dry_run=False)
        except (BadCatalogue, OSError) as error:
            raise CommandError(f"The catalogue was not loaded: {error}") from error
        changed = len(diff.repriced) if yes or dry_run else 0
        self.stdout.write(f"{len(diff.added)} endpoints new, {changed} prices changed.")
        if len(diff.repriced) > changed:
            self.stderr.write(
                f"{len(diff.repriced)} prices differ from the data files and were left as they are. "
                "Run `manage.py load_catalogue --yes` to change them."
            )

    def _load(self, *, apply_prices: bool, dry_run: bool) -> Diff:
        files = catalogue_files()
        if settings.XROUTE_MODE != "production":
            files += sandbox_files(settings.XROUTE_SANDBOX_URL)
        with transaction.atomic():
            diff = catalogue_load(files=files, apply_prices=apply_prices)
            transaction.set_rollback(dry_run)
        return diff

    def _agreed(self, count: int) -> bool:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        return input(f"Change these {count} prices from now on? [y/N] ").strip().lower() in ("y", "yes")


def _lines(diff: Diff) -> Iterator[str]:
    yield from (f"price: {line}" for line in diff.repriced)
    yield from (f"changed: {line}" for line in diff.changed)
    yield from (f"kept: {line}" for line in diff.kept)
    yield from (f"gone: {line}" for line in diff.gone)
    if diff.ended:
        yield f"past their provider's date, called only where nobody else serves the model: {', '.join(diff.ended)}."
