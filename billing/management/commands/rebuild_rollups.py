"""manage.py rebuild_rollups: sum the records anew, a day at a time; says how many sums were not right."""

import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.rollups import RecordsGone, rollups_rebuild
from xroute.lib.progress import Progress


class Command(BaseCommand):
    help = "Make the sums that charts are drawn from those of the records. Safe while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        day = date.fromisoformat
        parser.add_argument("--since", type=day, help="the first day (UTC), as 2026-01-31; by default the oldest")
        parser.add_argument("--until", type=day, help="the last day (UTC); by default the newest")
        parser.add_argument("--progress", action="store_true", help="show how far it is, also where no terminal is")

    def handle(self, *_args: Any, **options: Any) -> None:
        bar: Progress | None = None

        def on_day(day: date, _number: int, days: int) -> None:
            nonlocal bar
            if options["progress"] or sys.stderr.isatty():
                bar = bar or Progress("rollups", days, stream=sys.stderr, unit="days")
                bar.add(1, str(day))

        try:
            done = rollups_rebuild(since=options["since"], until=options["until"], on_day=on_day)
        except RecordsGone as error:
            raise CommandError(str(error)) from None
        if bar:
            bar.finish()
        self.stdout.write(f"{done.days} days are summed anew; {done.mended} sums were not right and are now.")
