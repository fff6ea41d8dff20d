"""Clients that call without a pause, each call on a connection of its own, so that both workers get their share."""

import asyncio
from collections.abc import Sequence
from random import Random

import aiohttp

from tests.chaos.calls import Call, make_call, perform, remembered_socket

CALL_TIMEOUT_S = 60
REFUSED_PAUSE_S = 0.1


class Load:
    """All calls that were ever made. `stop` lets those that run come to their end."""

    def __init__(self, url: str, keys: Sequence[str], seed: int, clients: int) -> None:
        self.calls: list[Call] = []
        self._url, self._keys, self._seed, self._clients = url, keys, seed, clients
        self._stopping = False

    @property
    def running(self) -> list[Call]:
        return [call for call in self.calls if call.outcome == "running"]

    def stop(self) -> None:
        self._stopping = True

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True, socket_factory=remembered_socket)
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            await asyncio.gather(*(self._client(session, number) for number in range(self._clients)))

    async def _client(self, session: aiohttp.ClientSession, number: int) -> None:
        random, count = Random(f"{self._seed}/{number}"), 0
        while not self._stopping:
            count += 1
            call = make_call(random, f"chaos-{self._seed}-{number}-{count}", self._keys[number % len(self._keys)])
            self.calls.append(call)
            await asyncio.create_task(perform(session, self._url, call))
            if call.outcome in ("refused", "broken"):
                await asyncio.sleep(REFUSED_PAUSE_S)
