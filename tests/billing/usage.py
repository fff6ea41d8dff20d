"""Book usage as the meter does, at any time, on Django's own connection."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from billing.pricing import Usage
from billing.record import UsageRecord
from billing.rollups import rollups_add
from tests.cast import Person
from xroute.lib.ids import new_id


def generation(person: Person, at: datetime | None = None, cost: int = 0, **values) -> UsageRecord:
    """A generation of `person` that ended at `at`."""
    values.setdefault("basis", "reported" if cost else "not_charged")
    values.setdefault("usage", Usage(prompt=10, completion=5, cached=4, reasoning=2))
    values.setdefault("key_id", person.key_id)
    values.setdefault("model", "sandbox/echo")
    values.setdefault("provider", "sandbox")
    return UsageRecord(
        id=new_id(None if at is None else round(at.timestamp() * 1000)),
        workspace_id=person.workspace_id,
        account_id=person.account_id,
        period=values.pop("period", None),
        request_id="req-test",
        cost=cost,
        **values,
    )


def book(records: Sequence[UsageRecord], *, roll: bool = False) -> UUID:
    """One batch, committed through the meter's function; rolled up where `roll`."""
    batch = new_id()
    rows = json.dumps([record.as_json(held=0, key_held=0) for record in records])
    with connection.cursor() as cursor:
        cursor.execute("SELECT xr_meter_commit(%s, %s, %s::jsonb)", [batch, new_id(), rows])
        assert cursor.fetchone()[0] == "late"
    if roll:
        while rollups_add():
            pass
    return batch
