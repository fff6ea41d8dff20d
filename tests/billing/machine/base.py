"""What every step has: the books, the model, and the comparison of the two after it."""

from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from psycopg.types.json import Jsonb

from billing.audit import CHECKS
from billing.audit.scan import SCAN
from tests.billing.books import Books
from tests.billing.machine import model, tables
from tests.billing.machine.model import Account, Worker

# All checks in one statement: the audit's own pass over the records, without its tables.
AUDIT = (
    "WITH xr_audited (part, batch_id, account_id, workspace_id, key_id, period_start, stray_id, records, cost) AS ("
    + SCAN.removeprefix("\nINSERT INTO xr_audited").replace("%s", "'-infinity'", 1).replace("%s", "'infinity'", 1)
    + "), xr_by_batch AS (SELECT * FROM xr_audited WHERE part = 1), xr_by_period AS (SELECT * FROM xr_audited "
    "WHERE part = 2), xr_strayed AS (SELECT * FROM xr_audited WHERE part = 3) "
    + " UNION ALL ".join(
        f"SELECT '{name.replace(chr(39), chr(39) * 2)}', * FROM ({sql}) f" for name, sql in CHECKS.items()
    )
)
ACCOUNTS, SLOTS = 4, 2
# The first ones most, so that steps meet.
accounts, keys = st.sampled_from((0, 0, 0, 1, 1, 2, 3)), st.sampled_from((0, 0, 1, 2))
slots = st.integers(0, SLOTS - 1)
amounts, parts = st.integers(1, 120), st.sampled_from([0, 25, 50, 100])
# What a worker learns of its call: the answer; nothing, though it was done; nothing, for it was rolled back.
outcomes = st.sampled_from(["answered", "answered", "lost", "undone"])


class Base(RuleBasedStateMachine):
    """A few accounts, keys and workers, so that they meet. `slots` are the processes, each with its worker's id."""

    books: ClassVar[Books]
    application: ClassVar[psycopg.Connection]
    superuser: ClassVar[psycopg.Connection]
    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        tables.empty(self.superuser)
        self.model = model.Books()
        self.workspaces = [self._workspace() for _ in range(ACCOUNTS)]
        self.accounts = sorted(self.model.accounts)
        self.keys = [self.books.key(self.accounts[number % 2], limit) for number, limit in enumerate((60, 150, None))]
        self.model.keys = dict(
            zip(self.keys, [(self.accounts[0], 60), (self.accounts[1], 150), (self.accounts[0], None)], strict=True)
        )
        self.slots = [self.new_worker() for _ in range(SLOTS)]
        self.day = 1
        self.begun()

    def begun(self) -> None:
        """For mixins that keep something of their own."""

    def _workspace(self) -> int:
        row = self.superuser.execute(
            "WITH w AS (INSERT INTO accounts_workspace (name) VALUES ('w') RETURNING id) "
            "INSERT INTO billing_creditaccount (workspace_id) SELECT id FROM w RETURNING id, workspace_id"
        ).fetchone()
        self.model.accounts[row[0]] = Account()
        return row[1]

    def new_worker(self) -> str:
        worker = str(self.books.worker())
        self.model.workers[worker] = Worker()
        return worker

    @property
    def period(self) -> str:
        return f"2026-01-{self.day:02}"

    def name(self, kind: str) -> str:
        """An idempotency key that this example has not used."""
        return f"{kind}:{len(self.model.transfers)}:{kind}"

    def call(self, outcome: str, sql: str, *values: Any) -> Any:
        """One call of the product's SQL as the application, with what may happen to it on the way; its last answer."""
        values = [Jsonb(value) if isinstance(value, list) else value for value in values]
        if outcome == "undone":
            with self.application.transaction(force_rollback=True):
                self.application.execute(sql, values)
        if outcome == "lost":
            self.application.execute(sql, values)
        return self.application.execute(sql, values).fetchone()[0]

    @contextmanager
    def refused(self, *kinds: type[psycopg.Error]):
        """The database refuses, and (as the comparison shows) nothing has changed."""
        try:
            yield
        except kinds:
            return
        raise AssertionError("the database took it")

    @invariant()
    def the_books_are_the_model(self) -> None:
        type(self).steps += 1
        found, expected = tables.tables(self.application), tables.expected(self.model)
        for name, rows in expected.items():
            assert found[name] == rows, (name, sorted(set(found[name].items()) ^ set(rows.items())))

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.application.execute(AUDIT).fetchall() == []

    @invariant()
    def nothing_but_overage_takes_more_than_there_is(self) -> None:
        for account in self.model.accounts.values():
            assert account.available + account.over >= 0
