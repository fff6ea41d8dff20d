"""Notice that a client went away: the server's send() drops silently, only receive() tells."""

import asyncio
from collections.abc import Callable

from xroute.api.body import Receive

PLAIN_DELAY_S = 0.05


class Watch:
    """At most one receive() loop per request, begun late or never. It sets an event and cancels nothing."""

    __slots__ = ("_event", "_receive", "_task", "_timer", "on_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.on_gone: Callable[[], None] | None = None
        self._event: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def event(self) -> asyncio.Event:
        """Set once the client is gone; `on_gone` is called then, too."""
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    def begin_later(self) -> None:
        """Begin in 50 ms: a request answered by then costs no task and no receive()."""
        if self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(PLAIN_DELAY_S, self.begin)

    def begin(self) -> None:
        """Begin now. The body must have been read by then, or it would be swallowed here."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.event.set()
        if self.on_gone is not None:
            self.on_gone()

    def end(self) -> None:
        """Stop, before the last message is sent: after it receive() reports a disconnect that is none."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
