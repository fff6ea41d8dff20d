"""Months stand ready; a record falls into its own, and a look-up by id reads no other."""

from datetime import UTC, datetime

import pytest
from django.db import connections
from psycopg.types.json import Jsonb

from billing.partitions import AHEAD, partitions_ensure
from tests.billing.parts import record
from xroute.lib.database import django_database
from xroute.lib.ids import new_id

DAY_MS = 24 * 3600 * 1000
PARTITIONS = """
SELECT inhrelid::regclass::text FROM pg_inherits
 WHERE inhparent = 'billing_usagerecord'::regclass AND inhrelid <> 'billing_usagerecord_default'::regclass ORDER BY 1"""


def months() -> list[str]:
    """One before this one, to three after it."""
    now = datetime.now(UTC)
    first = now.year * 12 + now.month - 2
    return [f"billing_usagerecord_{each // 12}_{each % 12 + 1:02}" for each in range(first, first + AHEAD + 2)]


@pytest.fixture
def owned(own_books, django_db_blocker):
    """Books under an alias of Django's, as the owner."""
    connections.databases["parts"] = connections.databases["default"] | django_database(own_books.owner_url)
    with django_db_blocker.unblock():
        yield own_books
        connections["parts"].close()
    del connections["parts"]
    del connections.databases["parts"]


def names(books) -> list[str]:
    return [row[0] for row in books.sql(PARTITIONS)]


def test_new_books_have_their_months(own_books):
    assert names(own_books) == months()


def test_what_is_missing_is_made_and_nothing_twice(owned):
    owned.sql(f"DROP TABLE {months()[-1]}", url=owned.owner_url)
    owned.sql(f"DROP TABLE {months()[0]}", url=owned.owner_url)
    assert partitions_ensure(using="parts") == 2
    assert partitions_ensure(using="parts") == 0
    assert names(owned) == months()


def test_every_moment_of_a_month_falls_into_it_by_utc(owned):
    account = owned.account(1000)
    year, month = (int(part) for part in months()[2].rsplit("_", 2)[1:])
    start_ms = int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
    for at_ms, name in ((start_ms - 1, months()[1]), (start_ms, months()[2]), (start_ms + 20 * DAY_MS, months()[2])):
        row = record(account, 1, id=new_id(at_ms))
        rows = Jsonb([row.as_json(held=0, key_held=0)])
        owned.sql("SELECT xr_meter_commit(%s, %s, %s)", (new_id(), new_id(), rows), url=owned.url)
        where = "SELECT tableoid::regclass::text FROM billing_usagerecord WHERE id = %s"
        assert owned.sql(where, (row.id,)) == [(name,)]
    assert owned.audit() == []


def test_a_record_of_no_month_is_kept_and_named(owned):
    account = owned.account(1000)
    rows = Jsonb([record(account, 1, id=new_id(0)).as_json(held=0, key_held=0)])
    owned.sql("SELECT xr_meter_commit(%s, %s, %s)", (new_id(), new_id(), rows), url=owned.url)
    assert [fault.check for fault in owned.audit()] == ["records stand in the default partition"]


def test_a_look_up_by_id_reads_the_partition_of_its_month_only(own_books):
    plan = own_books.sql(
        "EXPLAIN SELECT 1 FROM billing_usagerecord WHERE created_at = %s AND id = %s AND workspace_id = 1",
        (datetime.now(UTC), new_id()),
    )
    text = "\n".join(row[0] for row in plan)
    assert months()[1] in text
    assert not any(name in text for name in names(own_books) if name != months()[1])
