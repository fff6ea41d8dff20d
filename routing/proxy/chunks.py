"""An open upstream stream as chunks in our own form, whatever the network's chunking."""

import asyncio
import time
from collections import deque

from routing.errors import UpstreamError
from routing.providers import Adapter, Reader
from routing.proxy.generation import Generation, Interrupt
from routing.runtime import Runtime
from routing.types import Chunk, Endpoint, UpstreamRequest
from routing.upstream import UpstreamStream, left

EMPTY_CHUNKS_MAX = 3  # of a stream that begins, beside the role of each choice


class Source:
    """Chunks of one upstream stream. `next` ends with None at a clean end of file or [DONE]."""

    def __init__(self, stream: UpstreamStream, reader: Reader, *, chunk_s: float, until: float) -> None:
        self._stream, self._reader = stream, reader
        self._ready: deque[bytes | Chunk] = deque()
        self._chunk_s, self._until = chunk_s, until
        self._ended = False
        self.interrupt = Interrupt()
        self.upstream_id = ""
        self.bytes_read = 0

    async def next(self, timeout_s: float | None = None) -> Chunk | None:
        """The next chunk. Raises UpstreamError; Interrupted where the client's leaving broke it off."""
        while not self._ready and not self._ended:
            await self._read(timeout_s)
        if not self._ready:
            return None
        item = self._ready.popleft()
        # Read one by one: an error in a later event must not swallow what came before it.
        chunk: Chunk = self._reader.event_in(item) if isinstance(item, bytes) else item
        if chunk.upstream_id and not self.upstream_id:
            self.upstream_id = chunk.upstream_id
        if chunk.done:
            self._ended = True
            return None
        return chunk

    def unread(self, chunk: Chunk) -> None:
        """Put a chunk back to the front."""
        self._ready.appendleft(chunk)

    async def _read(self, timeout_s: float | None) -> None:
        left_s = min(self._chunk_s if timeout_s is None else timeout_s, self._until - time.monotonic())
        if left_s <= 0:
            raise UpstreamError("timeout", "The answer took longer than the total time limit.", may_be_billed=True)
        try:
            async with self.interrupt.scope():
                data = await self._stream.read(left_s)
        except TimeoutError:
            raise Interrupted from None
        self.bytes_read += len(data)
        if data:
            events = self._reader.feed(data)
        else:
            events, self._ended = self._reader.close(), True
        self._ready.extend(events)

    async def aclose(self) -> None:
        await self._stream.aclose()


class Interrupted(Exception):
    """The client left, and reading on would only cost."""


async def open_source(
    runtime: Runtime, generation: Generation, endpoint: Endpoint, adapter: Adapter, request: UpstreamRequest
) -> Source:
    """A stream that has begun to say something: until then failover is silent. Raises UpstreamError."""
    limits = runtime.limits
    chunk_s = limits.reasoning_chunk_s if endpoint.reasons else limits.chunk_s
    opening = Interrupt()
    generation.interruptible(opening.now if endpoint.provider.cancel_stops_billing else None)
    try:
        async with opening.scope():
            stream = await runtime.upstream.stream(request, first_byte_s=chunk_s)
    except TimeoutError:
        raise left() from None
    finally:
        generation.interruptible(None)
    try:
        if stream.status != 200:
            raise adapter.error_in(stream.status, stream.headers, await _error_body(stream))
        source = Source(
            stream, adapter.reader(generation.chat), chunk_s=chunk_s, until=generation.started + limits.total_s
        )
        await _first(source, generation, endpoint)
    except BaseException:
        await stream.aclose()
        raise
    generation.first_byte_ms = generation.elapsed_ms
    return source


async def _first(source: Source, generation: Generation, endpoint: Endpoint) -> None:
    """Wait for the first chunk that carries something. Many providers send the role before they have begun to work."""
    if endpoint.provider.cancel_stops_billing:
        generation.interruptible(source.interrupt.now)
    waiting: list[Chunk] = []
    try:
        while not waiting or (_says_nothing(waiting[-1]) and len(waiting) < generation.chat.n + EMPTY_CHUNKS_MAX):
            chunk = await source.next()
            if chunk is None:
                raise UpstreamError("cut", "The provider ended the stream before it began.")
            waiting.append(chunk)
    except Interrupted:
        raise UpstreamError("cut", "the client left", may_be_billed=True) from None
    finally:
        generation.interruptible(None)
    for chunk in reversed(waiting):
        source.unread(chunk)


def _says_nothing(chunk: Chunk) -> bool:
    return not (chunk.output_bytes or chunk.finished or chunk.usage)


async def _error_body(stream: UpstreamStream, bytes_max: int = 64 * 1024) -> bytes:
    """As much of an error's body as is worth reading."""
    body = b""
    try:
        async with asyncio.timeout(5):
            while len(body) < bytes_max and (data := await stream.read(5)):
                body += data
    except (TimeoutError, UpstreamError):
        pass
    return body
