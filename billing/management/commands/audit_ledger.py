"""manage.py audit_ledger: exit 0 where the books are proved, else name what is off and exit 1."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from billing.audit import CHECKS, audit


class Command(BaseCommand):
    help = "Prove the books. Exits 1 and names what is off."

    def handle(self, *_args: Any, **_options: Any) -> None:
        faults = audit(spool_dir=settings.XROUTE_SPOOL_DIR)
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            self.stderr.write(f"{len(faults)} faults.")
            sys.exit(1)
        self.stdout.write(f"The books are right: {len(CHECKS) + 1} checks, no fault.")
