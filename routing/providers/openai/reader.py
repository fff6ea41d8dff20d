"""A stream in: server-sent events, each of them a chunk that needs no other."""

from routing.providers.openai.answer import event_in
from routing.sse import Decoder
from routing.types import ChatRequest, Chunk


class Reader(Decoder):
    """Of one stream."""

    __slots__ = ()

    def event_in(self, data: bytes) -> Chunk:
        """See routing.providers.openai.answer.event_in."""
        return event_in(data)


def reader(_chat: ChatRequest) -> Reader:
    """For one answer's stream."""
    return Reader()
