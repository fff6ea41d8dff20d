"""manage.py setup_link: prints the link that makes the first operator; nothing where there is an operator."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.links import setup_link
from accounts.services_operator import setup_token_create


class Command(BaseCommand):
    help = "Print the one-time link that makes this installation's first operator. It voids the one before."

    def handle(self, *_args: Any, **_options: Any) -> None:
        token = setup_token_create()
        if token is None:
            self.stderr.write("There is an operator already. For another one: manage.py create_operator EMAIL")
            return
        self.stdout.write(setup_link(token=token))
