"""Relay chunks, extend the hold ahead of them, notice every way a stream can end."""

import time

import orjson

from billing.pricing import Usage
from billing.reservations.pots import Refused
from routing import sse
from routing.errors import UpstreamError
from routing.estimate import completion_tokens
from routing.proxy.chunks import Interrupted, Source
from routing.proxy.ending import Ending
from routing.proxy.generation import STOPPING, Generation
from routing.proxy.relay import Relay
from routing.runtime import Runtime
from routing.types import Chunk, Endpoint
from xroute.lib.pg import Outage

AHEAD_TOKENS = 256
ASK_EVERY_S = 1.0
Ended = tuple[Ending, UpstreamError | None]
NO_CREDIT = "The workspace has no more credit: the answer was ended here. Add credits on the Credits page."


class Pump:
    """One stream's relaying. `held` is what waits for the commit."""

    def __init__(
        self, runtime: Runtime, generation: Generation, endpoint: Endpoint, source: Source, relay: Relay
    ) -> None:
        self._runtime, self._generation, self._endpoint = runtime, generation, endpoint
        self._source, self._relay = source, relay
        self._open = generation.chat.n
        self._finished: dict[int, str] = {}
        self._usage: Usage | None = None
        self._output_bytes = 0
        self._covered_bytes = 0
        self._ask_again_at = 0.0
        self.held: list[bytes] = []
        self.created = int(time.time())

    async def run(self) -> Ended:
        """Until it ends: how it ended, and the error to tell the client where there is one."""
        generation = self._generation
        if self._endpoint.provider.cancel_stops_billing:
            generation.interruptible(self._source.interrupt.now)
        try:
            while (chunk := await self._source.next()) is not None:
                if not await self._take(chunk):
                    return await self._without_client()
                if len(self._finished) >= self._open:
                    return await self._after_finish()
                if self._output_bytes > self._covered_bytes and not await self._extend():
                    return self._ending("credit", "insufficient_credits"), UpstreamError(
                        "invalid_request", NO_CREDIT, code="insufficient_credits"
                    )
        except Interrupted:
            return self._ending("client", generation.gone_reason), None
        except UpstreamError as error:
            return self._broken(error)
        finally:
            generation.interruptible(None)
        return self._broken(UpstreamError("cut", "The provider ended the stream without finishing the answer."))

    async def _take(self, chunk: Chunk) -> bool:
        """Relay one chunk, or hold it back where it is the last; False where the client is gone."""
        self._finished.update(chunk.finished)
        self._usage = chunk.usage or self._usage
        self._output_bytes += chunk.output_bytes
        if chunk.body is None:
            return True
        data = self._encoded(chunk)
        if len(self._finished) >= self._open:
            self.held.append(data)
            return True
        if self._generation.gone:
            return False
        if not await self._relay.put(data):
            self._generation.client_gone("client_stalled")
            return False
        return True

    def _encoded(self, chunk: Chunk) -> bytes:
        body = chunk.body or {}
        body["id"] = self._generation.name
        body["model"] = self._endpoint.model.slug
        body["provider"] = self._endpoint.serves_as
        if self._generation.chat.include_usage:
            body["usage"] = None
        self.created = body.get("created", self.created)
        return sse.event(orjson.dumps(body))

    async def _after_finish(self) -> Ended:
        """The answer is whole: read on for the usage, but not for long, and whatever happens it is complete."""
        self._generation.interruptible(None)
        self._source.interrupt.fired = False
        until = time.monotonic() + self._runtime.limits.trailing_usage_s
        try:
            while (left_s := until - time.monotonic()) > 0 and (chunk := await self._source.next(left_s)) is not None:
                self._usage = chunk.usage or self._usage
                self._output_bytes += chunk.output_bytes
                if chunk.body is not None and len(self.held) < 1000:
                    self.held.append(self._encoded(chunk))
        except (UpstreamError, Interrupted):
            pass
        return self._ending("complete", ""), None

    async def _without_client(self) -> Ended:
        """The client left. Abort where that stops the bill; else drain for the true usage, within bounds."""
        runtime, workspace = self._runtime, self._generation.caller.workspace_id
        limits, running = runtime.limits, runtime.drains
        many, all_many = running.get(workspace, 0), sum(running.values())
        full = many >= limits.drains_per_workspace_max or all_many >= limits.drains_max
        if self._endpoint.provider.cancel_stops_billing or full:
            return self._ending("client", self._generation.gone_reason), None
        relayed = self._output_bytes
        running[workspace] = running.get(workspace, 0) + 1
        try:
            if await self._drain():
                return self._ending("complete", f"{self._generation.gone_reason}_drained"), None
        finally:
            running[workspace] -= 1
            if not running[workspace]:
                del running[workspace]
        self._output_bytes = relayed
        return self._ending("client", self._generation.gone_reason), None

    async def _drain(self) -> bool:
        """Read on without relaying; whether it came to its end."""
        limits, start = self._runtime.limits, self._source.bytes_read
        until = time.monotonic() + limits.drain_s
        try:
            while (left_s := until - time.monotonic()) > 0 and self._source.bytes_read - start < limits.drain_bytes_max:
                chunk = await self._source.next(left_s)
                if chunk is None:
                    return True
                self._finished.update(chunk.finished)
                self._usage = chunk.usage or self._usage
                self._output_bytes += chunk.output_bytes
        except (UpstreamError, Interrupted):
            pass
        return self._usage is not None

    async def _extend(self) -> bool:
        """Cover what has been relayed and a stretch ahead of it; False where that cannot be had."""
        generation, endpoint = self._generation, self._endpoint
        tokens = completion_tokens(self._output_bytes) + AHEAD_TOKENS
        missing = generation.bound(endpoint, tokens + tokens // 2) - generation.covered
        if missing > 0 and generation.hold is not None:
            if time.monotonic() < self._ask_again_at:
                return self._still_covered()
            try:
                await self._runtime.treasurer.extend(generation.hold, missing)
            except (Refused, Outage):
                # The stretch ahead is not to be had; what is covered already may still be used up.
                self._ask_again_at = time.monotonic() + ASK_EVERY_S
                return self._still_covered()
        self._covered_bytes = (tokens - AHEAD_TOKENS // 2) * 4
        return True

    def stopped(self) -> Ended:
        """Ended by the server's own stop, midway."""
        error = UpstreamError("invalid_request", "The server was restarted.", code="overloaded")
        return self._ending("client", STOPPING), error

    def failed(self) -> Ended:
        """Ended by a fault of our own, midway: booked like an upstream's."""
        error = UpstreamError("invalid_request", "The answer failed inside XRoute.", code="internal_error")
        return Ending("upstream", self._usage, self._output_bytes, "", "internal_error"), error

    def _still_covered(self) -> bool:
        relayed = completion_tokens(self._output_bytes)
        return self._generation.bound(self._endpoint, relayed) <= self._generation.covered

    def _broken(self, error: UpstreamError) -> Ended:
        if self._generation.gone:
            return self._ending("client", self._generation.gone_reason), None
        # An error that stands in a chunk of the answer itself is the upstream's own verdict: nothing is charged.
        finish = "error" if error.kind == "in_band" and error.may_be_billed else ""
        ending = Ending("upstream", self._usage, self._output_bytes, finish, error.kind)
        return ending, error

    def _ending(self, how: str, reason: str) -> Ending:
        finish = next(iter(self._finished.values()), "")
        return Ending(how, self._usage, self._output_bytes, finish, reason)  # type: ignore[arg-type]
