"""manage.py create_key EMAIL [--name N] [--credit USD] [--limit USD]: prints the key alone on standard output."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.services import api_key_create, person_ensure
from accounts.validators import address
from billing.ledger import account_ensure
from billing.services import deposit_make
from xroute.lib.ids import new_id
from xroute.lib.money import nanousd_from_usd, usd_words
from xroute.lib.names import unseen_in


class Command(BaseCommand):
    help = "Make a user, their workspace and an API key. Prints the key, once, on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--name", default="Command line", help="what the key is called")
        parser.add_argument("--credit", metavar="USD", help="deposit so much into the workspace, such as 5 or 12.50")
        parser.add_argument("--limit", metavar="USD", help="the most this key may ever spend")

    def handle(self, *_args: Any, email: str, name: str, credit: str | None, limit: str | None, **_: Any) -> None:
        try:
            address(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address. {error.messages[0]}") from None
        if says := unseen_in(name):
            raise CommandError(f"--name: {says}")
        deposit = self._amount("--credit", credit)
        with transaction.atomic():
            user, workspace = person_ensure(email=email)
            account_ensure(workspace_id=workspace.pk)
            made = api_key_create(
                workspace=workspace, created_by=user, name=name, limit_nanousd=self._amount("--limit", limit)
            )
            if deposit:
                key = f"cli:{new_id()}"
                deposit_make(workspace=workspace, amount_nanousd=deposit, idempotency_key=key, reference="create_key")
        if deposit:
            self.stderr.write(f"{usd_words(deposit)} added to {workspace.name}.")
        self.stdout.write(made.secret)

    def _amount(self, option: str, value: str | None) -> int | None:
        if value is None:
            return None
        try:
            amount = nanousd_from_usd(value)
        except ValueError as error:
            raise CommandError(f"{option}: {error}") from error
        if not 0 < amount <= 10**15:
            raise CommandError(f"{option}: {value} is out of range; give an amount above 0 and up to $1,000,000.")
        return amount
