"""manage.py reset_password EMAIL: prints a link that sets a new password, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.links import password_link
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link that sets a person's new password. It works once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        user = User.objects.filter(email__iexact=email.strip()).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        if not user.is_active:
            raise CommandError(f"The account {user.email} is switched off. Switch it on in the admin first.")
        self.stdout.write(password_link(user=user))
