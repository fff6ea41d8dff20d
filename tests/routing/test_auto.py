"""`xroute/auto`: by size, needs and price."""

import pytest

from billing.pricing import Prices
from routing.auto import pick
from routing.types import Model
from tests.routing.facts import chat, endpoint

USD = 10**9


def one(number: int, slug: str, usd: float, *, able: tuple[str, ...] = ("tools",), context: int = 100_000):
    return endpoint(
        number,
        f"p{number}",
        model=Model(slug, slug, created=number),
        prices=Prices(1, int(usd * USD)),
        capabilities=frozenset(able),
        context_length=context,
    )


MODELS = {
    "a/tiny": [one(1, "a/tiny", 0.5)],
    "a/small": [one(2, "a/small", 1.0, able=("tools", "json_schema"))],
    "a/middle": [one(3, "a/middle", 4.0, able=("tools", "json_schema", "reasoning"))],
    "a/large": [one(4, "a/large", 15.0), one(5, "a/large", 12.0, able=("tools", "reasoning"))],
    "a/huge": [one(6, "a/huge", 60.0)],
    "a/blind": [one(7, "a/blind", 0.9, able=())],
}
LONG = [{"role": "user", "content": "word " * 8_000}]
TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize(
    ("fields", "slugs"),
    [
        ({}, ["a/small", "a/blind", "a/tiny"]),
        ({"tools": TOOLS}, ["a/middle", "a/small", "a/tiny"]),
        ({"messages": LONG}, ["a/middle", "a/small", "a/blind"]),
        ({"messages": LONG, "tools": TOOLS}, ["a/large", "a/middle", "a/small"]),
        ({"reasoning_effort": "high"}, ["a/middle"]),
        ({"provider": {"max_price": {"completion": 100}}}, ["a/huge", "a/large", "a/middle"]),
        ({"provider": {"max_price": {"completion": 0.6}}}, ["a/tiny"]),
        ({"provider": {"max_price": {"completion": 0.1}}}, []),
        ({"provider": {"only": ["p6"]}}, ["a/huge"]),
        ({"provider": {"only": ["nobody"]}}, []),
    ],
)
def test_what_is_picked(fields, slugs):
    assert pick(MODELS, chat(**fields)).slugs == slugs


def test_a_key_that_may_use_some_models_only():
    assert pick(MODELS, chat(), {"a/tiny", "a/huge"}).slugs == ["a/tiny"]


def test_it_says_why():
    assert pick(MODELS, chat(tools=TOOLS)).why == ("a middling request, so at most 5 USD per million completion tokens")
