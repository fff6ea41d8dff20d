"""A directory over the real database, and changes made by other connections."""

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from accounts.callers import Directory
from tests.accounts.browsers import browser, browsers, rows
from tests.servers import HOME, superuser_url
from xroute.embedded.postgres import APPLICATION
from xroute.lib.pg import Database

__all__ = ["browser", "browsers", "rows"]
URL = HOME.postgres().url(APPLICATION)


class Counting(Database):
    """The real database; counts its statements."""

    def __init__(self, url: str) -> None:
        super().__init__(url, size_max=4)
        self.statements = 0
        self.before_answer: Callable[[], None] | None = None

    async def fetch(self, *args, **values):
        self.statements += 1
        rows = await super().fetch(*args, **values)
        if self.before_answer is not None:
            self.before_answer()
        return rows


@pytest.fixture
async def db() -> AsyncIterator[Counting]:
    found = Counting(URL)
    await found.open(timeout_s=10)
    yield found
    await found.close()


@pytest.fixture
def directory(db) -> Directory:
    return Directory(db, poll_s=0.05, grace_s=30, cache_s=600, size_max=1000)


@pytest.fixture
def change() -> Callable[..., None]:
    """Commit a change from another connection."""

    def run(statement: str, *values: object) -> None:
        with psycopg.connect(superuser_url(), autocommit=True) as conn:
            assert conn.execute(statement, values).rowcount > 0

    return run
