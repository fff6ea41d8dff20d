"""Endpoints and requests for tests of the pure parts."""

import orjson

from billing.pricing import Prices
from routing.parse import chat_request
from routing.types import ChatRequest, Credential, Endpoint, Model, Provider

MESSAGES = [{"role": "user", "content": "Hello"}]


def endpoint(number: int = 1, provider: str = "one", *, price: int = 1000, quirks=(), **fields) -> Endpoint:
    defaults = {
        "model": Model("author/model", "Model"),
        "provider": Provider(provider, provider.title(), "https://one.test/v1", quirks=frozenset(quirks)),
        "upstream_id": "upstream-model",
        "prices": Prices(price, price),
        "list_prices": Prices(price, price),
        "context_length": 8192,
        "max_output_tokens": 4096,
        "capabilities": frozenset(("tools",)),
        "credentials": (Credential(f"{provider}-a", "secret-a"),),
    }
    return Endpoint(id=number, **{**defaults, **fields})


def chat(**fields) -> ChatRequest:
    return chat_request(orjson.dumps({"model": "author/model", "messages": MESSAGES, **fields}))
