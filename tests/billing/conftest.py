"""Books that are audited after every test that used them, and books to plant faults in."""

from collections.abc import Iterator

import pytest

from tests.billing.books import Books, drop_books, make_books


@pytest.fixture(scope="session")
def shared_books() -> Iterator[Books]:
    found = make_books()
    yield found
    drop_books(found)


@pytest.fixture
def books(shared_books, django_db_blocker) -> Iterator[Books]:
    """Books that many tests use, each with accounts of its own; proved right after each of them."""
    yield shared_books
    with django_db_blocker.unblock():
        faults = [str(fault) for fault in shared_books.audit() if not fault.check.startswith("usage was rejected")]
    assert faults == []


@pytest.fixture
def own_books() -> Iterator[Books]:
    """Books that nobody else uses, and nobody proves."""
    found = make_books()
    yield found
    drop_books(found)
