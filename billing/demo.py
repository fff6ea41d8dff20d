"""A month of believable usage for a workspace of a demo, through the meter's own door. Amounts are nano-USD.

Nothing here is written past the services: keys are made as people make them, credit is a gift of the house, batches
are frozen and committed as a worker's are, and the audit of the books stays clean. `request_id` begins with "demo-".
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import ApiKey, LimitReset, User, Workspace
from accounts.services import api_key_create
from billing.demo_calls import DemoEndpoint, DemoKey, demo_days
from billing.given import DEMO
from billing.ledger import account_ensure, credit_add
from billing.meter import COMMIT, Batch
from billing.models import Transfer, TransferKind
from billing.models.ledger import House
from billing.record import UsageRecord
from billing.rollups import rollups_add
from xroute.lib.ids import new_id
from xroute.lib.money import NANOUSD_PER_USD

DAYS = 30
LEFT_NANOUSD = 25 * NANOUSD_PER_USD
KEYS = (
    DemoKey("Production app", share=0.55),
    DemoKey("Support bot", share=0.25),
    DemoKey("Nightly reports", share=0.12, at_night=True),
    DemoKey("Staging", share=0.08, limit_nanousd=50 * NANOUSD_PER_USD),
)


class NoDemo(Exception):
    """Demo data is not for this installation; the message says why."""


@dataclass(frozen=True, slots=True)
class DemoMade:
    """`requests` is 0 where the workspace had its demo data before."""

    requests: int
    cost_nanousd: int


def demo_given(*, workspace_id: int) -> bool:
    """Whether a workspace holds demo data."""
    return settings.XROUTE_MODE == "demo" and Transfer.objects.filter(idempotency_key=_gift(workspace_id)).exists()


def demo_data_make(
    *, workspace: Workspace, created_by: User | None, endpoints: list[DemoEndpoint], zone: ZoneInfo
) -> DemoMade:
    """30 days of calls up to now, at the prices of `endpoints`, once per workspace. Raises NoDemo."""
    if settings.XROUTE_MODE != "demo":
        raise NoDemo("Demo data is made in demo mode only: these books are for real usage.")
    if not endpoints:
        raise NoDemo("The catalogue is empty. Load it first: manage.py load_catalogue.")
    with transaction.atomic():
        account_id = account_ensure(workspace_id=workspace.pk)
        # Whoever else is at it waits here for this row, and then finds the gift made.
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        if demo_given(workspace_id=workspace.pk):
            return DemoMade(0, 0)
        days = _days(workspace, created_by, account_id, endpoints, zone)
        cost = sum(record.cost for day in days for record in day)
        _give(workspace, account_id, cost)
        _commit(days)
    while rollups_add():
        pass
    return DemoMade(sum(map(len, days)), cost)


def _days(
    workspace: Workspace, created_by: User | None, account_id: int, endpoints: list[DemoEndpoint], zone: ZoneInfo
) -> list[list[UsageRecord]]:
    now = timezone.now()
    since = max(now - timedelta(days=DAYS), _oldest_partition(now))
    keys = [(key, _key(workspace, created_by, key, since)) for key in KEYS]
    return demo_days(
        workspace_id=workspace.pk,
        account_id=account_id,
        keys=keys,
        endpoints=endpoints,
        since=since,
        now=now,
        zone=zone,
    )


def _key(workspace: Workspace, created_by: User | None, key: DemoKey, since: datetime) -> int:
    """A key that nobody knows the secret of, as old as its first call."""
    made = api_key_create(
        workspace=workspace,
        created_by=created_by,
        name=f"{key.name} (demo)",
        limit_nanousd=key.limit_nanousd,
        limit_reset=LimitReset.MONTHLY if key.limit_nanousd else LimitReset.NEVER,
    ).key
    ApiKey.objects.filter(pk=made.pk).update(created_at=since)
    return int(made.pk)


def _oldest_partition(now: datetime) -> datetime:
    """Partitions surely stand from the start of last month on (xr_ensure_partitions)."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=1)


def _give(workspace: Workspace, account_id: int, cost_nanousd: int) -> None:
    """Credit for all of it and some more, in whole dollars."""
    amount = -(-(cost_nanousd + LEFT_NANOUSD) // NANOUSD_PER_USD) * NANOUSD_PER_USD
    credit_add(
        account_id=account_id,
        source=House.PROMOTIONS,
        amount_nanousd=amount,
        kind=TransferKind.PROMOTION,
        idempotency_key=_gift(workspace.pk),
        reference=DEMO,
    )


def _commit(days: list[list[UsageRecord]]) -> None:
    """A batch a day, by a worker that lives as long as this."""
    worker = new_id()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO billing_worker (id, node, pid) VALUES (%s, 'demo-data', %s)", [worker, os.getpid()])
        for day in days:
            batch = Batch(new_id(), worker, [record.as_json(held=0, key_held=0) for record in day])
            cursor.execute(COMMIT, [batch.id, batch.worker_id, orjson.dumps(batch.records).decode()])
        cursor.execute("SELECT xr_end_worker(%s, NULL, 'closed')", [worker])


def _gift(workspace_id: int) -> str:
    return f"demo-data:{workspace_id}"
