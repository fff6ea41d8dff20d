"""manage.py demo_data [EMAIL] [--create]: 30 days of usage for this workspace of a demo, once."""

from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.middleware import zone
from accounts.models import Membership, Role, User
from accounts.services import person_ensure
from accounts.validators import address
from billing.demo import NoDemo
from routing.demo import demo_workspace_fill
from xroute.lib.money import usd_words

NOBODY = "demo@example.com"
KNOWN_MAX = 10_000


class Command(BaseCommand):
    help = "Write 30 days of believable usage into a workspace. Demo mode only; a second run adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", metavar="EMAIL", help="whose workspace; left out, the first owner's there is"
        )
        parser.add_argument("--create", action="store_true", help="make the person where there is none of this address")

    def handle(self, *_args: Any, email: str | None, create: bool, **_: Any) -> None:
        create = create or not email
        email = email or self._first_owner()
        try:
            address(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address. {error.messages[0]}") from None
        if not create and not User.objects.filter(email__iexact=email).exists():
            raise CommandError(self._unknown(email))
        user, workspace = person_ensure(email=email)
        try:
            made = demo_workspace_fill(workspace=workspace, created_by=user, zone=self._zone(user))
        except NoDemo as error:
            raise CommandError(str(error)) from error
        if not made.requests:
            self.stdout.write(f"{workspace.name} ({email}) has its demo data already; nothing was added.")
            return
        spent = usd_words(made.cost_nanousd)
        self.stdout.write(f"{made.requests} requests for {spent} added to {workspace.name} ({email}).")

    def _unknown(self, email: str) -> str:
        known = list(User.objects.order_by("-id").values_list("email", flat=True)[:KNOWN_MAX])
        near = get_close_matches(email.lower(), known, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"Nobody here has the address {email}.{hint} With --create the person is made."

    def _first_owner(self) -> str:
        first = Membership.objects.filter(role=Role.OWNER).select_related("user").order_by("id").first()
        return first.user.email if first else NOBODY

    def _zone(self, user: User) -> ZoneInfo:
        return zone(user.time_zone)
