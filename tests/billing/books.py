"""A database of its own with helpers that read and write it directly, as each of the three roles."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.db import connections

from billing.audit import Fault, audit
from tests.servers import fresh_database, superuser_url
from xroute.lib.database import django_database
from xroute.lib.ids import new_id

REVENUE, BANK = 6, 1
NO_SPOOL = Path("/nonexistent")


@dataclass(frozen=True, slots=True)
class Books:
    """`url` is the application's role, `owner_url` the owner's."""

    name: str
    url: str
    owner_url: str

    def sql(self, query: str, values: Sequence[Any] = (), *, url: str = "") -> list[tuple[Any, ...]]:
        """All rows, as the superuser (or the role of `url`), committed."""
        with psycopg.connect(url or superuser_url(self.name), autocommit=True) as conn:
            cursor = conn.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def plant(self, *statements: str) -> None:
        """Write as nobody may: without triggers and foreign keys."""
        with psycopg.connect(superuser_url(self.name), autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")
            for statement in statements:
                conn.execute(statement)

    def account(self, credit: int = 0) -> int:
        """A workspace's account; `credit` was paid in."""
        with psycopg.connect(superuser_url(self.name), autocommit=True) as conn:
            workspace = conn.execute("INSERT INTO accounts_workspace (name) VALUES ('w') RETURNING id").fetchone()[0]
            query = "UPDATE billing_creditaccount SET posted = %s, paid_in = %s WHERE workspace_id = %s RETURNING id"
            account = conn.execute(query, (credit, credit, workspace)).fetchone()[0]
            if credit:
                conn.execute(
                    "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key)"
                    " VALUES (%s, %s, %s, 'deposit', %s)",
                    (BANK, account, credit, str(uuid4())),
                )
        return account

    def key(self, account: int, limit: int | None, reset: str = "never") -> int:
        """A key of the account's workspace."""
        return self.sql(
            "INSERT INTO accounts_apikey (workspace_id, name, label, limit_nanousd, limit_reset, allowed_models, "
            "allowed_cidrs) SELECT workspace_id, 'k', 'l', %s, %s, '{}', '{}' FROM billing_creditaccount WHERE id = %s "
            "RETURNING id",
            (limit, reset, account),
        )[0][0]

    def balance(self, account: int) -> tuple[int, int, int]:
        """(posted, reserved, exposed)"""
        return self.sql("SELECT posted, reserved, exposed FROM billing_creditaccount WHERE id = %s", (account,))[0]

    def reservations(self, account: int) -> dict[UUID, tuple[int, int]]:
        """Worker → (amount, exposure)."""
        query = "SELECT worker_id, amount, exposure FROM billing_reservation WHERE account_id = %s"
        return {row[0]: (row[1], row[2]) for row in self.sql(query, (account,))}

    def period(self, key: int) -> tuple[int, int]:
        """(posted, reserved), of all periods of a key."""
        query = "SELECT sum(posted)::bigint, sum(reserved)::bigint FROM billing_keyperiod WHERE key_id = %s"
        return self.sql(query, (key,))[0]

    def records(self, account: int) -> list[tuple[Any, ...]]:
        """(id, cost, held, late)"""
        query = "SELECT id, cost_nanousd, held_nanousd, late FROM billing_usagerecord WHERE account_id = %s ORDER BY id"
        return self.sql(query, (account,))

    def batches(self, account: int) -> list[tuple[int, int]]:
        """(records, cost) of each batch that has records of an account"""
        return self.sql(
            "SELECT records, cost_nanousd FROM billing_meterbatch WHERE id IN "
            "(SELECT batch_id FROM billing_usagerecord WHERE account_id = %s) ORDER BY id",
            (account,),
        )

    def usage_transfers(self, account: int) -> list[tuple[int, int]]:
        """(to, amount)"""
        query = "SELECT credit_account_id, amount FROM billing_transfer WHERE debit_account_id = %s AND kind = 'usage'"
        return self.sql(query, (account,))

    def rejected(self, account: int) -> list[tuple[UUID, str]]:
        """(id, error)"""
        query = "SELECT id, error FROM billing_rejectedusage WHERE (payload->>'account')::bigint = %s"
        return self.sql(query, (account,))

    def worker(self) -> UUID:
        """A live worker without a process."""
        worker = new_id()
        self.sql("INSERT INTO billing_worker (id, node, pid) VALUES (%s, 'test', 0)", (worker,))
        return worker

    def audit(self, spool_dir: Path = NO_SPOOL) -> list[Fault]:
        """The real audit, as the application's role. Needs Django's database unblocked."""
        connections.databases[self.name] = connections.databases["default"] | django_database(self.url)
        try:
            return audit(spool_dir=spool_dir, using=self.name)
        finally:
            connections[self.name].close()
            del connections[self.name]
            del connections.databases[self.name]


@contextmanager
def djangos_own(books: Books) -> Iterator[None]:
    """Django's default database is these books meanwhile, in every thread. Needs Django's database unblocked."""
    before = connections.databases["default"]
    connections["default"].close()
    del connections["default"]
    connections.databases["default"] = before | django_database(books.url)
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        connections.databases["default"] = before


def make_books() -> Books:
    name = f"books_{uuid4().hex[:16]}"
    urls = fresh_database(name)
    return Books(name, urls["DATABASE_URL"], urls["MIGRATION_DATABASE_URL"])


def drop_books(books: Books) -> None:
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {books.name} WITH (FORCE)")
