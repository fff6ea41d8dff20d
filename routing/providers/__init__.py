"""Wire formats, one module each. An adapter is pure functions: request out, response in, stream in, error in.

A provider that only differs in configuration is a row of the catalogue, not a module here.
"""

from collections.abc import Mapping
from typing import Protocol

from routing.errors import UpstreamError
from routing.providers import openai
from routing.types import Answer, ChatRequest, Chunk, Credential, Endpoint, UpstreamRequest


class Reader(Protocol):
    """One stream being read: bytes come as the network cuts them, events go to `event_in` one by one.

    What `feed` and `close` give is for `event_in` alone; it may remember what earlier events said.
    """

    def feed(self, chunk: bytes) -> list[bytes]: ...

    def close(self) -> list[bytes]: ...

    def event_in(self, data: bytes) -> Chunk: ...


class Adapter(Protocol):
    """What the proxy asks of a wire format; see routing.providers.openai for the contract of each.

    `cannot` names the body's fields that this format has no words for: nothing is silently dropped.
    """

    def cannot(self, chat: ChatRequest) -> frozenset[str]: ...

    def request_out(
        self,
        endpoint: Endpoint,
        credential: Credential | None,
        chat: ChatRequest,
        *,
        max_tokens: int | None,
        request_id: str,
    ) -> UpstreamRequest: ...

    def response_in(self, body: bytes, chat: ChatRequest) -> Answer: ...

    def reader(self, chat: ChatRequest) -> Reader: ...

    def error_in(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...


ADAPTERS: dict[str, Adapter] = {"openai": openai}
# Known to the catalogue, but without an adapter so far: rows of these load, and cannot be called.
PLANNED = frozenset({"anthropic", "azure", "bedrock", "cohere", "gemini", "vertex", "watsonx"})
# What may stand in a provider's `quirks`: words of the adapters, and two about credentials.
QUIRKS = frozenset({*openai.QUIRKS, "no_credential", "credential_optional"})


def spoken(wire_format: str) -> bool:
    """Whether there is an adapter for it."""
    return wire_format in ADAPTERS


def adapter(wire_format: str) -> Adapter:
    """The adapter of that name; KeyError where there is none (no snapshot has such an endpoint)."""
    return ADAPTERS[wire_format]
