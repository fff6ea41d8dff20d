"""Wait for what another task, thread or process brings about."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, within_s: float = 5) -> None:
    """Returns as soon as `condition()` is true; raises TimeoutError where that does not happen."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)
