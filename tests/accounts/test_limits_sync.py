"""Promise 22: workers share counts through Valkey, and a Valkey that is away or slow changes nothing else."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from itertools import count

import pytest
from redis.exceptions import RedisError

from accounts import limits_sync
from accounts.limits import Windows
from accounts.limits_sync import LimitsSync
from tests.accounts.test_limits import limited
from xroute.lib.errors import ApiError

KEYS = count(time.time_ns())


@asynccontextmanager
async def syncing(url: str, windows: Windows, **values):
    sync = LimitsSync(windows, url, **values)
    try:
        yield sync
    finally:
        await sync.close()


async def test_two_workers_count_as_one():
    caller = limited(key_id=next(KEYS), requests_per_minute=10_000, tokens_per_minute=10_000, parallel_requests=6)
    a, b, url = Windows(), Windows(), os.environ["REDIS_URL"]
    async with syncing(url, a) as sync_a, syncing(url, b) as sync_b:
        for _ in range(3):
            a.enter(caller)
            b.enter(caller)
        a.note_tokens(caller, 70)
        await sync_a.share()
        await sync_b.share()
        await sync_a.share()
        for windows, tokens in ((a, 0), (b, 70)):
            found = windows.count(caller.key_id)
            assert (found.others_running, found.others_tokens) == (3, tokens)
            with pytest.raises(ApiError):
                windows.enter(caller)
        b.leave(caller)
        await sync_b.share()
        await sync_a.share()
        a.enter(caller)


async def test_keys_that_rest_are_forgotten_and_those_that_run_are_not():
    resting, running = (limited(key_id=next(KEYS), parallel_requests=5) for _ in range(2))
    windows = Windows()
    async with syncing(os.environ["REDIS_URL"], windows) as sync:
        for caller in (resting, running):
            windows.enter(caller)
        windows.leave(resting)
        for found in windows.counts.values():
            found.window -= 1
        await sync.share()
        assert list(windows.counts) == [running.key_id]


@asynccontextmanager
async def silent_valkey(folder):
    """It accepts, reads, and never answers."""

    async def swallow(reader, writer):
        while await reader.read(4096):
            pass
        writer.close()

    server = await asyncio.start_unix_server(swallow, str(folder / "s"))
    yield f"unix://{folder}/s"
    server.close()


async def goes_on(url: str) -> None:
    windows, caller = Windows(), limited(key_id=next(KEYS), requests_per_minute=3)
    async with syncing(url, windows, every_s=0.01, timeout_s=0.1) as sync:
        task = asyncio.create_task(sync.run())
        slowest = 0.0
        for _ in range(3):
            before = time.perf_counter()
            windows.enter(caller)
            slowest = max(slowest, time.perf_counter() - before)
            await asyncio.sleep(0.1)
        with pytest.raises(ApiError):
            windows.enter(caller)
        assert slowest < 0.02
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_absent_valkey_changes_nothing(tmp_path):
    await goes_on(f"unix://{tmp_path}/none")


async def test_a_silent_valkey_changes_nothing(tmp_path):
    async with silent_valkey(tmp_path) as url:
        await goes_on(url)


async def test_an_exchange_with_a_silent_valkey_ends_in_time(tmp_path):
    windows = Windows()
    windows.enter(limited(key_id=next(KEYS), requests_per_minute=3))
    async with silent_valkey(tmp_path) as url, syncing(url, windows, timeout_s=0.1) as sync:
        with pytest.raises((RedisError, OSError, TimeoutError)):
            await sync.share()


async def test_what_a_killed_worker_ran_blocks_for_seconds_not_for_the_minute(monkeypatch):
    monkeypatch.setattr(limits_sync, "SILENT_S", 0.3)
    caller = limited(key_id=next(KEYS), requests_per_minute=100, parallel_requests=3)
    killed, living, me, url = Windows(), Windows(), Windows(), os.environ["REDIS_URL"]
    async with syncing(url, killed) as first, syncing(url, living) as second, syncing(url, me) as mine:
        for _ in range(2):
            killed.enter(caller)
        living.enter(caller)
        me.count(caller.key_id)
        await first.share()
        await second.share()
        await mine.share()
        with pytest.raises(ApiError):
            me.enter(caller)
        async with asyncio.timeout(20):
            while me.count(caller.key_id).others_running != 1:
                await asyncio.sleep(0.05)
                await second.share()
                await mine.share()
        assert me.count(caller.key_id).others_requests in (3, 1)  # 1: a new minute has begun, without the killed one
        me.enter(caller)


async def test_what_others_ran_is_forgotten_while_nothing_is_heard_of_them(monkeypatch, tmp_path):
    monkeypatch.setattr(limits_sync, "SILENT_S", 0.2)
    windows, caller = Windows(), limited(key_id=next(KEYS), parallel_requests=1)
    windows.count(caller.key_id).others_running = 1
    async with syncing(f"unix://{tmp_path}/none", windows, every_s=0.01, timeout_s=0.1) as sync:
        task = asyncio.create_task(sync.run())
        with pytest.raises(ApiError):
            windows.enter(caller)
        async with asyncio.timeout(20):
            while windows.count(caller.key_id).others_running:
                await asyncio.sleep(0.02)
        windows.enter(caller)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
