"""Demo, test and live books never mix: the stamp is set once, and every start compares it."""

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from xroute.lib.env import BadSetting


def stamp_of_mode() -> str:
    """The stamp that this process's settings ask for."""
    if settings.XROUTE_MODE != "production":
        return str(settings.XROUTE_MODE)
    return "test" if settings.STRIPE_SECRET_KEY and not settings.STRIPE_LIVEMODE else "live"


def stamp_books(*, using: str = "owner") -> None:
    """Stamp new books; refuse books of another kind."""
    with connections[using].cursor() as cursor:
        cursor.execute("INSERT INTO billing_books (id, stamp) VALUES (1, %s) ON CONFLICT DO NOTHING", [stamp_of_mode()])
        cursor.execute("SELECT stamp FROM billing_books")
        compare_stamp(cursor.fetchone()[0])


def compare_stamp(stamp: str) -> None:
    """Raises BadSetting where these books belong to another mode."""
    if stamp != stamp_of_mode():
        raise BadSetting(
            f"These books are stamped {stamp!r}, but XROUTE_MODE and the Stripe key make this a {stamp_of_mode()!r} "
            "process. Demo, test and live books never mix: set DATABASE_URL to a database of its own."
        )


def check_connection(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """For `connection_created`: commands and Celery, too, leave books of another mode alone; raises BadSetting."""
    if connection.alias != "default":
        return  # the owner's, who makes and stamps them
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('billing_books') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute("SELECT stamp FROM billing_books")
            for (stamp,) in cursor.fetchall():
                compare_stamp(stamp)
