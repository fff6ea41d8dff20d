"""manage.py audit_ledger: exit 0 where the books are proved, else name what is off and exit 1."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from billing.audit import CHECKS, audit
from xroute.lib.progress import Progress


class Command(BaseCommand):
    help = "Prove the books. Exits 1 and names what is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--progress", action="store_true", help="show how far it is, also where no terminal is")

    def handle(self, *_args: Any, **options: Any) -> None:
        shown = options["progress"] or sys.stderr.isatty()
        bar = Progress("audit", 1, stream=sys.stderr) if shown else None

        def on_step(what: str, number: int, steps: int) -> None:
            if bar:
                bar.set(number / steps, what)

        faults = audit(spool_dir=settings.XROUTE_SPOOL_DIR, on_step=on_step)
        if bar:
            bar.finish()
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            self.stderr.write(f"{len(faults)} faults.")
            sys.exit(1)
        self.stdout.write(f"The books are right: {len(CHECKS) + 1} checks, no fault.")
