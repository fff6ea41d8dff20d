"""Whether credit may still come to a workspace: not once it is closed or being closed."""

import logging

from django.db import connection, transaction

from accounts.models import Workspace

logger = logging.getLogger("xroute.billing")

# The lock of a foreign key: it waits for a closing (FOR UPDATE), and for nothing else.
CLOSED = "SELECT closed_at IS NOT NULL OR closing_at IS NOT NULL FROM accounts_workspace WHERE id = %s FOR KEY SHARE"


class WorkspaceClosed(Exception):
    """The workspace was closed: nothing is credited to it or paid into it by choice."""


def workspace_open_ensure(*, workspace_id: int) -> None:
    """Call inside the transaction that credits or starts a payment; raises WorkspaceClosed.

    A closing under way is waited for; one that comes later waits, and sees what was done here.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Whether a workspace is open can change outside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(CLOSED, [workspace_id])
        found = cursor.fetchone()
    if found is None or found[0]:
        raise WorkspaceClosed("This workspace is closed or is being closed. Nothing can be paid into it.")


def closed_credit_alert(*, workspace_id: int, what: str) -> None:
    """Call where credit arrives that could not be refused: operators are told if the workspace is closed."""
    if Workspace.objects.filter(pk=workspace_id, closed_at__isnull=False).exists():
        transaction.on_commit(lambda: logger.error("ALERT closed workspace %s: %s", workspace_id, what))
