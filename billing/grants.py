"""What the application's role may do: read all, write most, and never change what is append-only."""

from django.db import connections, transaction
from psycopg import sql

APPEND_ONLY = (
    "billing_transfer",
    "billing_usagerecord",
    "billing_balancemark",
    "billing_books",
    "billing_adjustment",
    "billing_receipt",
    "routing_endpointprice",
)
NEVER_DELETED = (
    "billing_creditaccount",
    "billing_rejectedusage",
    "billing_payment",
    "billing_stripecustomer",
    "billing_stripeevent",
    "billing_refund",
    "billing_dispute",
    "billing_stripebalancetransaction",
    "billing_promotioncode",
    "billing_promotionuse",
    "billing_expiringcredit",
)
READ_ONLY = ("django_migrations",)


def grant_application_role(*, owner: str = "owner", role: str) -> bool:
    """Give `role` its rights on every table there is; False where it is the owner itself, and so unguarded.

    Safe to repeat; run after each migration, as the owner.
    """
    name = sql.Identifier(role)
    # In one transaction: no moment at which the application could change the ledger.
    with transaction.atomic(using=owner), connections[owner].cursor() as cursor:
        cursor.execute("SELECT current_user")
        if cursor.fetchone()[0] == role:
            return False
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        ):
            cursor.execute(sql.SQL(statement).format(name))
        for table in _append_only(cursor):
            cursor.execute(sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name))
        cursor.execute(sql.SQL("REVOKE UPDATE, DELETE ON billing_meterbatch FROM {}").format(name))
        cursor.execute(sql.SQL("GRANT UPDATE (rolled_up) ON billing_meterbatch TO {}").format(name))
        for table in NEVER_DELETED:
            cursor.execute(sql.SQL("REVOKE DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name))
        for table in READ_ONLY:
            cursor.execute(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name)
            )
    return True


def _append_only(cursor) -> list[str]:  # type: ignore[no-untyped-def]
    """The append-only tables and the partitions they have."""
    cursor.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'billing_usagerecord'::regclass"
    )
    return [*APPEND_ONLY, *(row[0] for row in cursor.fetchall())]
