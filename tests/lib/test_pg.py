"""An outage is an outage within its time limit; a statement's own error is not one."""

import asyncio
import socket
import time

import psycopg
import pytest

from tests.lib.proxy import proxied
from tests.servers import HOME
from xroute.embedded.postgres import APPLICATION
from xroute.lib.pg import Database, Outage, is_outage

URL = HOME.postgres().url(APPLICATION)


async def opened(url: str) -> Database:
    db = Database(url, size_max=4)
    await db.open(timeout_s=10)
    return db


async def test_a_statement_error_is_not_an_outage():
    db = await opened(URL)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await db.fetch("SELECT 1/0")
    assert db.away_s == 0
    assert await db.fetch("SELECT 1") == [(1,)]
    await db.close()


async def test_a_silent_server_is_an_outage_in_time_and_remembered_until_it_answers():
    async with proxied() as proxy:
        db = await opened(proxy.url(URL))
        proxy.silence()
        before = time.monotonic()
        with pytest.raises(Outage):
            await db.fetch("SELECT 1", timeout_s=0.2)
        assert time.monotonic() - before < 0.6
        assert db.away_s > 0
        proxy.restore()
        assert await db.fetch("SELECT 1") == [(1,)]
        assert db.away_s == 0
        await db.close()


async def test_all_connections_silent_does_not_stop_the_time_limit():
    async with proxied() as proxy:
        db = await opened(proxy.url(URL))
        proxy.silence()
        before = time.monotonic()
        answers = await asyncio.gather(
            *(db.fetch("SELECT 1", timeout_s=0.2) for _ in range(20)), return_exceptions=True
        )
        assert all(isinstance(answer, Outage) for answer in answers)
        assert time.monotonic() - before < 1
        proxy.restore()
        await db.close()


async def test_a_cut_connection_is_an_outage_and_the_pool_comes_back():
    async with proxied() as proxy:
        db = await opened(proxy.url(URL))
        proxy.cut()
        with pytest.raises(Outage):
            await db.fetch("SELECT 1", timeout_s=0.5)
        proxy.restore()
        for _ in range(50):
            try:
                assert await db.fetch("SELECT 1") == [(1,)]
                break
            except Outage:
                await asyncio.sleep(0.05)
        assert db.away_s == 0
        await db.close()


async def test_a_listener_that_never_answers_does_not_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        db = Database(f"postgresql://u@127.0.0.1:{server.getsockname()[1]}/d?connect_timeout=1", size_max=3)
        before = time.monotonic()
        with pytest.raises(psycopg.OperationalError) as caught:
            await db.open(timeout_s=0.3)
        assert is_outage(caught.value)
        assert time.monotonic() - before < 4
        await db.close()


async def test_a_closed_pool_is_an_outage():
    db = await opened(URL)
    await db.close()
    with pytest.raises(Outage):
        await db.fetch("SELECT 1")


async def test_a_shutdown_of_the_server_side_is_an_outage():
    db = await opened(URL)
    with pytest.raises(Outage):
        await db.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    await db.close()


async def test_a_cancelled_caller_leaves_the_pool_whole():
    db = await opened(URL)
    tasks = [asyncio.create_task(db.fetch("SELECT pg_sleep(5)", timeout_s=9)) for _ in range(4)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await asyncio.gather(*(db.fetch("SELECT 1") for _ in range(8))) == [[(1,)]] * 8
    await db.close()


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.OperationalError(), True),
        (psycopg.InterfaceError(), True),
        (ConnectionResetError(), True),
        (psycopg.errors.CheckViolation(), False),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.DataError(), False),
        (ValueError(), False),
    ],
)
def test_what_an_outage_is(error, outage):
    assert is_outage(error) is outage
