"""Each file has a worker of its own, with short time limits: what one breaks on purpose, no other sees."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.processes import Process, start_web
from tests.routing.rows import Orm, known, model_make

SHORT = {
    "XROUTE_KEEPALIVE_S": "0.4",
    "XROUTE_CHUNK_TIMEOUT_S": "2",
    "XROUTE_TRAILING_USAGE_S": "2",
    "XROUTE_STREAM_STALL_S": "2",
    "XROUTE_DRAIN_STREAM_S": "3",
    "XROUTE_BREAKER_OUT_S": "1",
}


@pytest.fixture(scope="module")
def web(sandbox, tmp_path_factory) -> Iterator[Process]:
    process = start_web(tmp_path_factory.mktemp("web"), **SHORT)
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]


@pytest.fixture
def make_model(client, orm: Orm) -> Callable[..., Awaitable[str]]:
    """A model of the test's own that the worker knows; see rows.model_make."""

    async def make(*upstreams: tuple[str, str], **more) -> str:
        slug = await orm(model_make, *upstreams, **more)
        await known(client, slug)
        return slug

    return make
