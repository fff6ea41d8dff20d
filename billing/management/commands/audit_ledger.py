"""manage.py audit_ledger: exit 0 where the books are proved, else name what is off and exit 1."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.audit import CHECKS, audit
from billing.stripe.client import payments_enabled
from billing.stripe.compare import stripe_compare
from billing.stripe.errors import StripeError
from xroute.lib.progress import Progress


class Command(BaseCommand):
    help = "Prove the books. Exits 1 and names what is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--progress", action="store_true", help="show how far it is, also where no terminal is")
        parser.add_argument("--stripe", action="store_true", help="also compare Stripe's balance with the books, now")

    def handle(self, *_args: Any, **options: Any) -> None:
        shown = options["progress"] or sys.stderr.isatty()
        bar = Progress("audit", 1, stream=sys.stderr) if shown else None

        def on_step(what: str, number: int, steps: int) -> None:
            if bar:
                bar.set(number / steps, what)

        faults: list[Any] = [*audit(spool_dir=settings.XROUTE_SPOOL_DIR, on_step=on_step)]
        if bar:
            bar.finish()
        if options["stripe"]:
            faults += _stripe()
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            self.stderr.write(f"{len(faults)} faults.")
            sys.exit(1)
        self.stdout.write(f"The books are right: {len(CHECKS) + 1} checks, no fault.")


def _stripe() -> list[str]:
    """What Stripe's balance has that the books do not explain, or that should not stay."""
    if not payments_enabled():
        raise CommandError("Payments are off: there is no Stripe to compare with. Set STRIPE_SECRET_KEY.")
    try:
        found = stripe_compare()
    except StripeError as error:
        raise CommandError(f"Stripe could not be read: {error}") from error
    if found is None:
        raise CommandError("Stripe's balance moved during the comparison each time. Try again in a moment.")
    return [f"Stripe's balance: {row['cents']} cents: {row['what']}" for row in found.differences if row["alert"]]
