"""Promise 12: what is booked cannot be changed: not by the application's role, not by the owner."""

import psycopg
import pytest

from billing.grants import APPEND_ONLY, NEVER_DELETED, READ_ONLY

DENIED = psycopg.errors.InsufficientPrivilege
REFUSED = psycopg.errors.RestrictViolation


@pytest.fixture(scope="module")
def filled(shared_books):
    """One row in each append-only table, and the partitions of records."""
    books = shared_books
    books.account(5)
    partitions = books.sql(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'billing_usagerecord'::regclass"
    )
    assert len(partitions) >= 6
    return books, [row[0] for row in partitions]


def statements(table: str) -> list[str]:
    column = {"billing_books": "stamp", "routing_endpointprice": "id", "django_migrations": "name"}.get(
        table, "created_at"
    )
    return [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]


@pytest.mark.parametrize("table", [*APPEND_ONLY, *READ_ONLY])
def test_the_applications_role_may_not(filled, table):
    books, _ = filled
    for statement in statements(table):
        with pytest.raises(DENIED):
            books.sql(statement, url=books.url)


@pytest.mark.parametrize("table", NEVER_DELETED)
def test_the_applications_role_may_change_but_not_delete(filled, table):
    books, _ = filled
    column = {"billing_stripecustomer": "workspace_id", "billing_expiringcredit": "transfer_id"}.get(table, "id")
    books.sql(f"UPDATE {table} SET {column} = {column} WHERE false", url=books.url)
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DENIED):
            books.sql(statement, url=books.url)


def test_the_applications_role_may_not_change_a_partition_either(filled):
    books, partitions = filled
    for partition in partitions:
        for statement in statements(partition):
            with pytest.raises(DENIED):
                books.sql(statement, url=books.url)


def test_the_applications_role_may_not_reach_a_new_partition(own_books):
    own_books.sql("SELECT xr_ensure_partitions(9)", url=own_books.owner_url)
    newest = own_books.sql(
        "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'billing_usagerecord'::regclass"
        " AND inhrelid::regclass::text ~ '_20'"
    )
    for statement in statements(newest[0][0]):
        with pytest.raises(DENIED):
            own_books.sql(statement, url=own_books.url)
    with pytest.raises(REFUSED):
        own_books.sql(f"TRUNCATE {newest[0][0]}", url=own_books.owner_url)


@pytest.mark.parametrize("statement", statements("billing_transfer") + statements("billing_books"))
def test_the_owner_is_refused_by_triggers(filled, statement):
    books, _ = filled
    with pytest.raises(REFUSED):
        books.sql(statement, url=books.owner_url)


def test_the_owner_cannot_truncate_records_whole_or_by_partition(filled):
    books, partitions = filled
    for table in ["billing_usagerecord", *partitions]:
        with pytest.raises(REFUSED):
            books.sql(f"TRUNCATE {table}", url=books.owner_url)


def test_a_batchs_sums_are_fixed_and_only_its_mark_may_change(filled):
    books, _ = filled
    for statement in (
        "UPDATE billing_meterbatch SET cost_nanousd = 0",
        "DELETE FROM billing_meterbatch",
        "DELETE FROM billing_creditaccount",
        "DELETE FROM billing_rejectedusage",
    ):
        with pytest.raises(DENIED):
            books.sql(statement, url=books.url)
    books.sql("UPDATE billing_meterbatch SET rolled_up = rolled_up", url=books.url)


def test_the_application_cannot_switch_the_guards_off(filled):
    books, _ = filled
    for statement in (
        "ALTER TABLE billing_transfer DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TABLE billing_transfer",
        "SELECT xr_ensure_partitions(20)",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises(DENIED):
            books.sql(statement, url=books.url)
