"""One request under way: what it asked, what it may use, what happened so far."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from accounts.callers import Caller
from billing.pricing import upper_bound_nanousd
from billing.reservations.pots import Hold
from routing.types import ChatRequest, Endpoint
from xroute.lib.ids import generation_name

CLIENT_GONE = "client_gone"
STOPPING = "server_stopping"  # the reason of a generation that our own stop ends


@dataclass(slots=True, eq=False)
class Generation:
    """Made at admission; `endpoints` are in the order in which they are tried."""

    id: UUID
    request_id: str
    caller: Caller
    chat: ChatRequest
    endpoints: tuple[Endpoint, ...]
    hold: Hold | None = None
    period: date | None = None
    max_tokens: int | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    house: int = 0
    route: dict[str, Any] = field(default_factory=dict)
    tried: Endpoint | None = None
    started: float = field(default_factory=time.monotonic)
    first_byte_ms: int = 0
    gone: bool = False
    gone_reason: str = ""
    _on_gone: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        return generation_name(self.id)

    @property
    def elapsed_ms(self) -> int:
        return int((time.monotonic() - self.started) * 1000)

    def client_gone(self, reason: str = CLIENT_GONE) -> None:
        """The client left, or we stop: whoever waits upstream on its behalf is told, once."""
        if not self.gone:
            self.gone, self.gone_reason = True, reason
            if self._on_gone is not None:
                self._on_gone()

    def interruptible(self, call: Callable[[], None] | None) -> None:
        """What to do when the client leaves; None for nothing. Called at once where it has left already."""
        self._on_gone = call
        if call is not None and self.gone:
            call()

    def completion_max(self, endpoint: Endpoint) -> int:
        """The most completion tokens this endpoint can be asked for, all choices together."""
        asked = self.max_tokens if self.max_tokens is not None else self.chat.max_tokens
        most = min(endpoint.max_output_tokens, endpoint.context_length)
        return self.chat.n * (most if asked is None else min(asked, most))

    def bound(self, endpoint: Endpoint, completion_tokens: int | None = None) -> int:
        """The upper bound of the price at `endpoint`, of everything or of so many completion tokens."""
        tokens = self.completion_max(endpoint)
        return upper_bound_nanousd(
            endpoint.prices,
            prompt_tokens=min(self.chat.prompt_tokens_max, endpoint.context_length),
            completion_tokens=tokens if completion_tokens is None else min(tokens, completion_tokens),
            images=self.chat.images,
        )

    @property
    def covered(self) -> int:
        """What the hold covers, with the exposure granted to it."""
        return 0 if self.hold is None else self.hold.amount + self.hold.exposure


class Interrupt:
    """Ends whatever is awaited inside `async with interrupt.scope():` when `now()` is called."""

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None
        self.fired = False

    def now(self) -> None:
        self.fired = True
        if self._scope is not None:
            try:
                self._scope.reschedule(0)
            except RuntimeError:
                pass  # nothing is awaited in it right now; the next scope ends at once

    def scope(self) -> asyncio.Timeout:
        self._scope = asyncio.timeout(0 if self.fired else None)
        return self._scope
