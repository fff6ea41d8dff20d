"""A proxy before PostgreSQL or Valkey that can be silent, slow, cut off, or lose answers: a server away, for real."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.servers import HOME

SOCKET = ".s.PGSQL.5432"


class Proxy:
    """Forwards a Unix socket of its own to the real one, PostgreSQL's unless a `target` is named.

    `silent`: bytes wait. `deaf`: answers are lost. `slow_s`: how much later each answer comes.
    """

    def __init__(self, target: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xr-proxy-", dir="/tmp"))
        self._target = str(target or Path(HOME.places.sockets) / SOCKET)
        self.slow_s = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._deaf = False
        self._refusing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0
        self.lost = asyncio.Event()

    def url(self, url: str) -> str:
        """The same address, through this proxy."""
        return f"{url.partition('?')[0]}?host={self.folder}"

    def silence(self) -> None:
        """Nothing comes through in either direction; connections stay open."""
        self._flowing.clear()

    def strand(self) -> None:
        """Connections that stand are dead for good, without a word; new ones work."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def lose_answers(self) -> None:
        """The server hears and does everything; nobody hears it."""
        self._deaf = True

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._refusing = True
        self._end()

    def restore(self) -> None:
        """As if nothing had been; connections that lost bytes end."""
        if self._deaf:
            self._end()
        self._deaf = self._refusing = False
        self.lost.clear()
        self._flowing.set()

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, str(self.folder / SOCKET))

    async def stop(self) -> None:
        self._server.close()
        self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self.folder)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.close()
            return
        self.connections += 1
        task, flowing = asyncio.current_task(), self._flowing
        self._tasks.add(task)
        ends = [writer]
        try:
            upstream, sink = await asyncio.open_unix_connection(self._target)
            ends.append(sink)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, sink, flowing, answers=False))
                group.create_task(self._pump(upstream, writer, flowing, answers=True))
        except (asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            self._tasks.discard(task)
            for end in ends:
                end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event, *, answers: bool
    ) -> None:
        while data := await reader.read(65536):
            await flowing.wait()
            if answers and self.slow_s:
                await asyncio.sleep(self.slow_s)
            if answers and self._deaf:
                self.lost.set()
                continue
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def proxied(target: Path | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
