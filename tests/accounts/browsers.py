"""Fixtures of people with browsers. Each comes from an address of its own, so that limits by address are apart."""

import random
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tests.accounts.people import Browser
from tests.processes import Process


def somewhere() -> str:
    """An address of this machine that nobody else comes from."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"


@pytest.fixture
def rows(django_db_blocker):
    """Read and write what the web workers see."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
async def browsers(rows) -> AsyncIterator[Callable[..., Browser]]:
    """Open a browser at a web worker."""
    opened: list[httpx.AsyncClient] = []

    def make(process: Process, ip: str | None = None) -> Browser:
        transport = httpx.AsyncHTTPTransport(local_address=ip or somewhere())
        client = httpx.AsyncClient(transport=transport, base_url=process.url, trust_env=False, timeout=60)
        opened.append(client)
        return Browser(client)

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def browser(browsers, web) -> Browser:
    """A browser at the shared worker."""
    return browsers(web)
