"""The mail that says that credit runs low: at a level that the workspace sets, once until the balance has recovered."""

from django.db import connection, transaction

from accounts.models import Workspace
from billing.models import BalanceAlert
from billing.notices import link, mails_write, managers_addresses
from xroute.lib.money import usd_text

SUGGESTED_NANOUSD = 5_000_000_000
# Both ways in one statement: below and not told yet, or told and recovered. Whoever changes the row writes the mail.
TURN = """
UPDATE billing_balancealert b SET sent_at = CASE WHEN a.posted < b.level_nanousd THEN now() END
  FROM billing_creditaccount a
 WHERE a.workspace_id = b.workspace_id AND (b.sent_at IS NULL) = (a.posted < b.level_nanousd)
RETURNING b.workspace_id, b.sent_at IS NOT NULL, b.level_nanousd, a.posted"""


def alert_set(*, workspace: Workspace, level_nanousd: int | None) -> None:
    """Mail owners and admins when less than this is left; None: never. Another level begins anew."""
    if level_nanousd is None:
        BalanceAlert.objects.filter(workspace=workspace).delete()
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_balancealert (workspace_id, level_nanousd) VALUES (%s, %s) "
            "ON CONFLICT (workspace_id) DO UPDATE SET level_nanousd = excluded.level_nanousd, sent_at = NULL "
            "WHERE billing_balancealert.level_nanousd <> excluded.level_nanousd",
            [workspace.pk, level_nanousd],
        )


def alert_get(*, workspace_id: int) -> BalanceAlert | None:
    """The workspace's alert; None where it has none."""
    return BalanceAlert.objects.filter(workspace_id=workspace_id).first()


def alerts_sweep() -> int:
    """Mail those whose balance has fallen below their level; how many workspaces."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TURN)
        told = [row for row in cursor.fetchall() if row[1]]
        for workspace_id, _, level, posted in told:
            _mail(workspace_id, level, posted)
    return len(told)


def _mail(workspace_id: int, level_nanousd: int, posted_nanousd: int) -> None:
    name = Workspace.objects.values_list("name", flat=True).get(pk=workspace_id)
    left = f"{'−' if posted_nanousd < 0 else ''}${usd_text(abs(posted_nanousd))}"
    mails_write(
        to=managers_addresses(workspace_id=workspace_id),
        subject=f"Credit of {name} runs low",
        body=f"{left} is left in {name}, less than the ${usd_text(level_nanousd)} at which you wanted to be told. "
        f"Without credit, calls are refused. Buy more here:\n\n{link('/credits')}\n\n"
        "This mail comes once, until the balance has been above the level again. The level is set under Credits, "
        "Billing details.",
    )
