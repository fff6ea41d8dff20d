"""manage.py invite EMAIL [--workspace ID] [--role member]: a link that lets one person sign up."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, Workspace
from accounts.services_invitations import VALID_DAYS, invitation_create
from accounts.validators import address


class Command(BaseCommand):
    help = "Make an invitation, mail it, and print its link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--workspace", type=int, help="the id of a workspace that they join")
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER)

    def handle(self, *_args: Any, email: str, workspace: int | None, role: str, **_: Any) -> None:
        found = Workspace.objects.filter(pk=workspace).first() if workspace else None
        if workspace and found is None:
            raise CommandError(f"There is no workspace {workspace}.")
        try:
            address(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address. {error.messages[0]}") from None
        made = invitation_create(created_by=None, email=email, workspace=found, role=role)
        self.stdout.write(f"{made.url}\nIt works once, for {VALID_DAYS} days, for {email}. It was mailed there too.")
