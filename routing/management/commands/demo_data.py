"""manage.py demo_data [EMAIL]: 30 days of usage for this person's workspace; in demo mode only, once a workspace."""

from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.middleware import zone
from accounts.models import Membership, Role, User
from accounts.services import person_ensure
from billing.demo import NoDemo
from routing.demo import demo_workspace_fill
from xroute.lib.money import usd_text

NOBODY = "demo@example.com"


class Command(BaseCommand):
    help = "Write 30 days of believable usage into a workspace. Demo mode only; a second run adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", metavar="EMAIL", help="whose workspace; left out, the first owner's there is"
        )

    def handle(self, *_args: Any, email: str | None, **_: Any) -> None:
        email = email or self._first_owner()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address.") from None
        user, workspace = person_ensure(email=email)
        try:
            made = demo_workspace_fill(workspace=workspace, created_by=user, zone=self._zone(user))
        except NoDemo as error:
            raise CommandError(str(error)) from error
        if not made.requests:
            self.stdout.write(f"{workspace.name} ({email}) has its demo data already; nothing was added.")
            return
        spent = usd_text(made.cost_nanousd)
        self.stdout.write(f"{made.requests} requests for {spent} USD added to {workspace.name} ({email}).")

    def _first_owner(self) -> str:
        first = Membership.objects.filter(role=Role.OWNER).select_related("user").order_by("id").first()
        return first.user.email if first else NOBODY

    def _zone(self, user: User) -> ZoneInfo:
        return zone(user.time_zone)
