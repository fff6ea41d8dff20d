"""manage.py create_operator EMAIL: an operator without a browser; asks for a password, or prints a link to set one."""

import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.links import password_link
from accounts.services_operator import AddressTaken, operator_make
from accounts.validators import address


class Command(BaseCommand):
    help = "Make a person an operator. Asks for a password; left empty, or without a terminal, prints a link instead."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--link", action="store_true", help="do not ask; print a link that sets the password")

    def handle(self, *_args: Any, email: str, link: bool, **_options: Any) -> None:
        try:
            address(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address. {error.messages[0]}") from None
        password = None if link or not sys.stdin.isatty() else self._ask()
        try:
            user = operator_make(email=email, password=password)
        except AddressTaken as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{user.email} is an operator.")
        if not user.has_usable_password():
            self.stderr.write("Set a password here; the link works once:")
            self.stdout.write(password_link(user=user))

    def _ask(self) -> str | None:
        """A password typed twice, or None for a link."""
        password = getpass("Password (empty: print a link to set one): ")
        if not password:
            return None
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if getpass("The same again: ") != password:
            raise CommandError("The two are not the same. Nothing was changed.")
        return password
