"""Django's migrate, run as the owner; then the application's rights and the books' stamp."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as Migrate

from billing.books import stamp_books
from billing.grants import grant_application_role
from xroute.lib.env import BadSetting


class Command(Migrate):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["app_label"] or options["plan"] or options["check_unapplied"]:
            return
        if not grant_application_role(role=settings.DATABASES["default"]["USER"]):
            self.stderr.write(
                "Warning: the application runs as the owner of its tables. Give it a role of its own in DATABASE_URL "
                "and the owner's in MIGRATION_DATABASE_URL, so that PostgreSQL itself keeps the ledger append-only."
            )
        try:
            stamp_books()
        except BadSetting as error:
            raise CommandError(str(error)) from error
