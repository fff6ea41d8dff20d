"""manage.py adjust_credit EMAIL|ID --grant|--correct|--write-off USD --reason TEXT --author EMAIL."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, User, Workspace
from billing.adjustments import AdjustmentRefused, adjustment_make
from billing.models import AdjustmentKind, CreditAccount
from billing.workspaces import WorkspaceClosed
from xroute.lib.ids import new_id
from xroute.lib.money import nanousd_from_usd, usd_words


class Command(BaseCommand):
    help = "Grant credit to a workspace, correct its balance, or write off what it owes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workspace", metavar="EMAIL|ID", help="the workspace's id, or its owner's address")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--grant", metavar="USD", help="give credit")
        what.add_argument("--correct", metavar="USD", help="add credit, or take it: --correct=-12.50")
        what.add_argument("--write-off", metavar="USD", help="forgive so much of what is owed")
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument("--author", metavar="EMAIL", required=True, help="the operator who does it")

    def handle(self, *_args: Any, **options: Any) -> None:
        kind, value = next(
            (kind, options[name])
            for name, kind in (
                ("grant", AdjustmentKind.GRANT),
                ("correct", AdjustmentKind.CORRECTION),
                ("write_off", AdjustmentKind.WRITE_OFF),
            )
            if options[name] is not None
        )
        workspace, author = self._workspace(options["workspace"]), self._author(options["author"])
        try:
            made = adjustment_make(
                id=new_id(),
                workspace=workspace,
                kind=kind,
                amount_nanousd=nanousd_from_usd(value),
                reason=options["reason"],
                created_by=author,
            )
        except (ValueError, AdjustmentRefused, WorkspaceClosed) as error:
            raise CommandError(str(error)) from error
        posted = CreditAccount.objects.get(workspace=workspace).posted
        self.stdout.write(f"{made.kind} of {usd_words(made.amount_nanousd)}. Balance: {usd_words(posted)}.")

    def _workspace(self, text: str) -> Workspace:
        rows = Workspace.objects.all()
        if text.isascii() and text.isdigit() and len(text) < 19:
            found = list(rows.filter(pk=int(text)))
        else:
            found = list(rows.filter(membership__user__email__iexact=text, membership__role=Role.OWNER).order_by("id"))
        if not found:
            raise CommandError(f"No workspace has the id or the owner {text}.")
        if len(found) > 1:
            names = ", ".join(f"{row.pk} ({row.name})" for row in found)
            raise CommandError(f"{text} owns several workspaces. Give one's id: {names}.")
        return found[0]

    def _author(self, email: str) -> User:
        author = User.objects.filter(email__iexact=email).first()
        if author is None or not author.is_operator:
            raise CommandError(f"{email} is no operator of this installation.")
        return author
