"""Two roles: what the application's may do is granted anew after each migration, with nothing append-only in it."""

import psycopg
import pytest
from django.db import connections

from billing.grants import APPEND_ONLY, READ_ONLY, grant_application_role
from tests.servers import HOME
from xroute.embedded.postgres import APPLICATION, OWNER
from xroute.lib.database import django_database

RIGHTS = "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s"


@pytest.fixture
def owned(own_books, django_db_blocker):
    connections.databases["grants"] = connections.databases["default"] | django_database(own_books.owner_url)
    with django_db_blocker.unblock():
        yield own_books
        connections["grants"].close()
    del connections["grants"]
    del connections.databases["grants"]


def rights(books, table: str) -> set[str]:
    return {row[0] for row in books.sql(RIGHTS, (APPLICATION, table))}


def test_every_table_has_the_rights_it_should(owned):
    for _ in range(2):
        assert grant_application_role(owner="grants", role=APPLICATION) is True
        for table in APPEND_ONLY:
            assert rights(owned, table) == {"SELECT", "INSERT"}
        for table in READ_ONLY:
            assert rights(owned, table) == {"SELECT"}
        assert rights(owned, "billing_meterbatch") == {"SELECT", "INSERT"}
        assert rights(owned, "billing_creditaccount") == {"SELECT", "INSERT", "UPDATE"}
        assert rights(owned, "billing_reservation") == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_rights_that_were_given_by_hand_are_taken_back(owned):
    owned.sql(
        f"GRANT UPDATE, DELETE, TRUNCATE ON billing_transfer, billing_usagerecord TO {APPLICATION}", url=owned.owner_url
    )
    grant_application_role(owner="grants", role=APPLICATION)
    assert rights(owned, "billing_transfer") == rights(owned, "billing_usagerecord") == {"SELECT", "INSERT"}


def test_a_new_table_is_granted_and_no_moment_shows_more_than_is_right(owned):
    """In one transaction: whoever looks meanwhile sees the rights from before."""
    owned.sql("CREATE TABLE later (id int)", url=owned.owner_url)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owned.sql("SELECT * FROM later", url=owned.url)
    grant_application_role(owner="grants", role=APPLICATION)
    assert owned.sql("SELECT * FROM later", url=owned.url) == []


def test_where_one_role_is_both_it_says_so_and_changes_nothing(owned):
    assert grant_application_role(owner="grants", role=OWNER) is False
    assert rights(owned, "billing_transfer") == {"SELECT", "INSERT"}


def test_the_two_roles_are_no_superusers():
    with psycopg.connect(HOME.postgres().url(APPLICATION)) as conn:
        query = "SELECT bool_or(rolsuper OR rolcreaterole OR rolbypassrls) FROM pg_roles WHERE rolname = ANY(%s)"
        assert conn.execute(query, ([APPLICATION, OWNER],)).fetchone() == (False,)
        assert conn.execute("SELECT pg_has_role(%s, 'member')", (OWNER,)).fetchone() == (False,)
