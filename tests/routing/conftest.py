"""The ORM for async tests."""

import asyncio

import pytest
from django.db import connections

from tests.routing.rows import Orm


@pytest.fixture
def orm(django_db_blocker) -> Orm:
    """Call something that uses Django's ORM from an async test; what it writes is committed."""

    def call(function, args, values):
        with django_db_blocker.unblock():
            try:
                return function(*args, **values)
            finally:
                connections.close_all()

    async def in_thread(function, *args, **values):
        return await asyncio.to_thread(call, function, args, values)

    return in_thread
