"""A listener hears, comes back, and notices a peer that is silently dead."""

import asyncio
from contextlib import asynccontextmanager

import psycopg

from tests.lib.proxy import proxied
from tests.lib.waiting import until
from tests.servers import HOME
from xroute.embedded.postgres import APPLICATION
from xroute.lib.listen import Listener

URL = HOME.postgres().url(APPLICATION)


def notify(channel: str, payload: str) -> None:
    with psycopg.connect(URL, autocommit=True) as conn:
        conn.execute("SELECT pg_notify(%s, %s)", (channel, payload))


@asynccontextmanager
async def listening(url: str, *, probe_s: float):
    heard: list[str] = []
    listener = Listener(url, {"xr_test_listen": heard.append}, probe_s=probe_s)
    task = asyncio.create_task(listener.run())
    try:
        await until(lambda: heard == [""])
        yield listener, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_notification_is_heard():
    async with listening(URL, probe_s=5) as (_, heard):
        await asyncio.to_thread(notify, "xr_test_listen", "7")
        await until(lambda: heard == ["", "7"], within_s=1)


async def test_other_channels_and_probes_are_not_handed_on():
    async with listening(URL, probe_s=0.1) as (listener, heard):
        await asyncio.to_thread(notify, "xr_other", "8")
        await asyncio.sleep(0.35)
        assert (heard, listener.connections) == ([""], 1)


async def test_after_a_cut_it_comes_back_and_says_that_all_may_have_changed():
    async with proxied() as proxy, listening(proxy.url(URL), probe_s=5) as (listener, heard):
        proxy.cut()
        await asyncio.sleep(0.05)
        proxy.restore()
        await until(lambda: heard == ["", ""])
        assert listener.connections == 2
        await asyncio.to_thread(notify, "xr_test_listen", "9")
        await until(lambda: heard[-1] == "9")


async def test_a_peer_that_is_silently_dead_is_noticed():
    async with proxied() as proxy, listening(proxy.url(URL), probe_s=0.2) as (listener, heard):
        proxy.strand()
        # The probe is missed at once; psycopg then gives the server 5 s to answer a cancellation.
        await until(lambda: heard == ["", ""], within_s=15)
        assert listener.connections == 2
        await asyncio.to_thread(notify, "xr_test_listen", "9")
        await until(lambda: heard[-1] == "9")
