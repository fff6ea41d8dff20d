"""Fixtures: the fixed cast, and the real servers that tests run against."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from hypothesis import HealthCheck, settings as examples

from tests.cast import USD, Person, person
from tests.emulator import Emulator, start_emulator
from tests.processes import Process, start_sandbox, start_web

# Time limits of single examples would only measure how busy the machine is; examples make their rows anew.
examples.register_profile(
    "xroute", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
examples.load_profile("xroute")


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """tests.servers has made and migrated the database already; tests run as the application's role."""


@pytest.fixture(scope="session", autouse=True)
def real_outbox(django_test_environment) -> None:
    """Django's test set-up keeps mails in memory; here they go into the outbox, as in life."""
    settings.EMAIL_BACKEND = "accounts.mail.backend.OutboxBackend"


@pytest.fixture
def make_person(django_db_blocker) -> Callable[..., Person]:
    """Make a person whose rows are committed, for tests that involve other connections or processes."""

    def make(**values) -> Person:
        with django_db_blocker.unblock():
            return person(**values)

    return make


@pytest.fixture
def owner(make_person) -> Person:
    return make_person(credit_nanousd=100 * USD)


@pytest.fixture
def broke(make_person) -> Person:
    return make_person()


@pytest.fixture
def member(make_person, owner) -> Person:
    return make_person(workspace_id=owner.workspace_id, role="member")


@pytest.fixture
def stranger(make_person) -> Person:
    return make_person(credit_nanousd=100 * USD)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may pass through, as an installation's wants to be when root runs it."""
    with tempfile.TemporaryDirectory(prefix="xroute-test-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> Iterator[Process]:
    port = urlsplit(os.environ["XROUTE_SANDBOX_URL"]).port
    process = start_sandbox(tmp_path_factory.mktemp("sandbox"), port)
    yield process
    process.stop()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory) -> Iterator[Emulator]:
    """The Stripe emulator at STRIPE_API_BASE. It sends no webhooks until a test names it an address."""
    port = urlsplit(os.environ["STRIPE_API_BASE"]).port
    process = Emulator(start_emulator(tmp_path_factory.mktemp("stripe"), port))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def web(sandbox, tmp_path_factory) -> Iterator[Process]:
    """A web worker that tests share; tests that disturb one start their own with `web_factory`."""
    process = start_web(tmp_path_factory.mktemp("web"))
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]


@pytest.fixture
def web_factory(sandbox, tmp_path) -> Iterator[Callable[..., Process]]:
    """Start web workers with settings of their own; they are stopped afterwards."""
    started: list[Process] = []

    def start(**environment: str) -> Process:
        started.append(start_web(tmp_path, **environment))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture
async def client(web) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the shared worker."""
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=30) as found:
        yield found
