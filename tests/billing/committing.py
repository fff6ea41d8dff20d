"""Helpers of tests whose work is committed: workspaces with people, and usage that was booked."""

from uuid import uuid4

from django.db import connection

from accounts.models import Membership, User, Workspace
from billing.models import CreditAccount


def someone(workspace: Workspace | None = None, role: str = "owner") -> tuple[User, Workspace]:
    """A new person, in a workspace of their own or in `workspace`."""
    user = User.objects.create_user(f"{uuid4().hex}@example.com")
    workspace = workspace or Workspace.objects.create(name="Acme")
    Membership.objects.create(user=user, workspace=workspace, role=role)
    return user, workspace


def account_of(workspace: Workspace) -> CreditAccount:
    return CreditAccount.objects.get(workspace=workspace)


def use(workspace: Workspace, amount_nanousd: int) -> None:
    """Usage, as the meter books it: a transfer and the balance, whatever is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
            "SELECT id, (SELECT id FROM billing_creditaccount WHERE house = 'revenue'), %s, 'usage', %s "
            "FROM billing_creditaccount WHERE workspace_id = %s",
            [amount_nanousd, f"batch:{uuid4()}", workspace.pk],
        )
        cursor.execute(
            "UPDATE billing_creditaccount SET posted = posted - %s WHERE workspace_id = %s",
            [amount_nanousd, workspace.pk],
        )
