"""The asynchronous side of the spool: keep a batch, and replay what is there once the database is back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

from billing.spool import SpoolFile, waiting
from xroute.lib.pg import Outage

logger = logging.getLogger("xroute.spool")
Replay = Callable[[bytes], Awaitable[None]]


class Spooling:
    """One process's spool file, made at its first use, and the files it adopts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: SpoolFile | None = None
        self._lock = asyncio.Lock()

    async def keep(self, batch: bytes) -> None:
        """Fsynced when this returns; raises OSError."""
        async with self._lock:
            await asyncio.to_thread(self._append, batch)

    def _append(self, batch: bytes) -> None:
        if self._file is None:
            self._file = SpoolFile.create(self._folder, uuid4())
        self._file.append(batch)

    def holds_anything(self) -> bool:
        """Whether any process of this node has batches that are not in the ledger yet."""
        return bool(waiting(self._folder))

    async def run(self, replay: Replay, *, every_s: float = 1.0) -> None:
        """Replay our own and orphaned files for ever."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.replay(replay)
            except Outage:
                continue
            except OSError:
                logger.exception("the spool cannot be read")

    async def replay(self, replay: Replay) -> None:
        """Everything on disk into the ledger, as far as it goes; raises Outage."""
        paths = await asyncio.to_thread(waiting, self._folder)
        for path in paths:
            if self._file is not None and path == self._file.path:
                async with self._lock:
                    await self._replay_file(self._file, replay)
                    await asyncio.to_thread(self._file.clear)
                continue
            orphan = await asyncio.to_thread(SpoolFile.adopt, path)
            if orphan is not None:
                await self._adopted(orphan, replay)

    async def _adopted(self, orphan: SpoolFile, replay: Replay) -> None:
        try:
            await self._replay_file(orphan, replay)
        except BaseException:
            orphan.close()
            raise
        await asyncio.to_thread(orphan.remove)

    @staticmethod
    async def _replay_file(file: SpoolFile, replay: Replay) -> None:
        found = await asyncio.to_thread(file.read)
        for batch in found:
            await replay(batch)
        if damaged := await asyncio.to_thread(file.set_apart):
            logger.error("ALERT %s lines of %s are damaged; the file is kept as .damaged", damaged, file.path.name)
        logger.warning("%s batches from %s are in the ledger", len(found), file.path.name)

    async def close(self) -> None:
        """Remove our file where it is empty, else leave it to be adopted."""
        async with self._lock:
            if self._file is None:
                return
            found = await asyncio.to_thread(self._file.read)
            await asyncio.to_thread(self._file.close if found else self._file.remove)
            self._file = None
