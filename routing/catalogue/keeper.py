"""The catalogue in memory: one immutable snapshot per worker, swapped whole when its version changes."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from time import monotonic

from routing.catalogue.build import Builder
from routing.catalogue.figures import figures_from_json
from routing.catalogue.queries import ENDPOINTS, FIGURES, PRICING, PROVIDERS, UNPRICED, VERSION
from routing.catalogue.snapshot import Snapshot
from routing.types import Figures
from xroute.lib.pg import Database, Outage

logger = logging.getLogger("xroute.catalogue")
FIGURES_EVERY_S = 10.0


class Catalogue:
    """Keeps `snapshot` up to date, and `figures` (by endpoint id). `sandbox_url` is empty except in demo mode."""

    def __init__(self, db: Database, *, encryption_keys: Sequence[str], sandbox_url: str = "") -> None:
        self._db, self._keys, self._sandbox_url = db, encryption_keys, sandbox_url
        self.snapshot = Snapshot(version=0)
        self.figures: Mapping[int, Figures] = {}
        self._figures_at = float("-inf")
        self._hurry = asyncio.Event()

    def hurry(self, _payload: str = "") -> None:
        """Look now (a notification came)."""
        self._hurry.set()

    async def refresh(self) -> None:
        """Swap the snapshot if the catalogue changed, the figures when they are due; raises Outage."""
        version = (await self._db.fetch(VERSION))[0][0]
        if version != self.snapshot.version:
            await self._rebuild(version)
        if monotonic() - self._figures_at >= FIGURES_EVERY_S:
            rows = await self._db.fetch(FIGURES, timeout_s=10)
            self.figures = {endpoint_id: figures_from_json(found) for endpoint_id, found in rows}
            self._figures_at = monotonic()

    async def _rebuild(self, version: int) -> None:
        providers = await self._db.fetch(PROVIDERS, timeout_s=10)
        endpoints = await self._db.fetch(ENDPOINTS, timeout_s=10)
        pricing = await self._db.fetch(PRICING)
        margin_bp, fee_bp = pricing[0] if pricing else (0, 0)
        builder = Builder(self._keys, self._sandbox_url, margin_bp, fee_bp)
        self.snapshot = builder.build(version, providers, endpoints)
        for model, provider in await self._db.fetch(UNPRICED):
            logger.error("ALERT %s at %s has no price: it is not callable until it has one", model, provider)

    async def run(self, *, every_s: float = 5.0) -> None:
        """Refresh for ever."""
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self.refresh()
            except Outage:
                continue
