"""LISTEN on a direct connection. A notification only hastens what polling would find anyway.

The connection proves itself: every `probe_s` it notifies itself and must hear that, else it is made anew.
After each (re)connection every handler is called with "" - all may have changed meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

import psycopg

from xroute.lib.pg import Row, conninfo

logger = logging.getLogger("xroute.listen")
PROBE = "xr_probe"


class Listener:
    """Calls `handlers[channel](payload)` for every notification, until cancelled."""

    def __init__(self, url: str, handlers: Mapping[str, Callable[[str], None]], *, probe_s: float = 10) -> None:
        self._conninfo = conninfo(url)
        self._handlers = dict(handlers)
        self._probe_s = probe_s
        self.connections = 0

    async def run(self) -> None:
        pause_s = 0.1
        while True:
            try:
                await self._session()
            except (psycopg.Error, OSError, TimeoutError) as error:
                logger.debug("listening ended: %s", error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 2.0)

    async def _session(self) -> None:
        async with asyncio.timeout(10):
            conn = await psycopg.AsyncConnection[Row].connect(self._conninfo, autocommit=True)
        try:
            for channel in (*self._handlers, PROBE):
                await conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            self.connections += 1
            for handler in self._handlers.values():
                handler("")
            while await self._heard_itself(conn):
                pass
        finally:
            conn.pgconn.finish()

    async def _heard_itself(self, conn: psycopg.AsyncConnection[Row]) -> bool:
        async with asyncio.timeout(self._probe_s):
            await conn.execute("SELECT pg_notify(%s, '')", (PROBE,))
        heard = False
        async for note in conn.notifies(timeout=self._probe_s):
            if note.channel == PROBE:
                heard = True
            elif note.channel in self._handlers:
                self._handlers[note.channel](note.payload)
        return heard
