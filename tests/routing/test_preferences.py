"""OpenRouter's routing words: each is understood as documented, or refused by name."""

import pytest

from routing.types import MaxPrice, Preferences
from tests.routing.facts import chat
from xroute.lib.errors import ApiError


def refused(**fields) -> ApiError:
    with pytest.raises(ApiError) as caught:
        chat(**fields)
    assert caught.value.status == 400
    return caught.value


def wanted(**provider) -> Preferences:
    return chat(provider=provider).preferences


def test_conditions_and_order():
    provider = {
        "order": ["a"], "only": ["a", "B"], "ignore": ["c"], "allow_fallbacks": False, "require_parameters": True,
        "sort": "price", "data_collection": "allow",
    }  # fmt: skip
    assert wanted(**provider) == Preferences(("a",), ("a", "b"), ("c",), False, True, "price")
    assert chat(provider=None).preferences == wanted() == Preferences()
    assert wanted(**dict.fromkeys(provider)) == Preferences()


@pytest.mark.parametrize("sort", ["price", "throughput", "latency"])
def test_sorts(sort):
    assert wanted(sort=sort).sort == sort


def test_data_policy_and_quantizations():
    found = wanted(data_collection="deny", zdr=True, quantizations=["fp8", "BF16", "unknown"])
    assert (found.deny_data_collection, found.zdr) == (True, True)
    assert found.quantizations == ("fp8", "bf16", "unknown")


def test_max_price_is_in_usd_per_million_tokens_or_per_request_and_image():
    found = wanted(max_price={"prompt": 1, "completion": "2.5", "request": 0.01, "image": None}).max_price
    assert found == MaxPrice(prompt=10**9, completion=2_500_000_000, request=10**13)


@pytest.mark.parametrize(("given", "read"), [(50, (("p50", 50.0),)), ({"p90": 2.5, "p50": None}, (("p90", 2.5),))])
def test_wishes_are_a_number_or_percentiles(given, read):
    found = wanted(preferred_min_throughput=given, preferred_max_latency=given)
    assert (found.throughput_min, found.latency_max) == (read, read)


@pytest.mark.parametrize(
    ("model", "name", "sort", "free"),
    [
        ("a/b:floor", "a/b", "price", False),
        ("a/b:nitro", "a/b", "throughput", False),
        ("a/b:free", "a/b", None, True),
        ("a/b:8b", "a/b:8b", None, False),
        ("a/b:8b:nitro", "a/b:8b", "throughput", False),
    ],
)
@pytest.mark.parametrize("provider", [None, {}])
def test_suffixes(model, name, sort, free, provider):
    found = chat(model=model, provider=provider)
    assert (found.model, found.preferences.sort, found.preferences.free) == (name, sort, free)


def test_a_sort_that_is_given_wins_over_the_suffix():
    assert chat(model="a/b:floor", provider={"sort": "latency"}).preferences.sort == "latency"


def test_fallback_models():
    assert chat(models=None).fallbacks == chat(models=[]).fallbacks == ()
    found = chat(model="a/b:nitro", models=["a/b", "c/d:floor", "e/f", "c/d"])
    assert (found.model, found.fallbacks, found.preferences.sort) == ("a/b", ("c/d", "e/f"), "throughput")


@pytest.mark.parametrize(
    ("models", "param"),
    [("a/b", "models"), (["a"] * 11, "models"), ([1], "models[0]"), (["a", ""], "models[1]"), ([":free"], "models[0]")],
)
def test_bad_fallback_models_are_named(models, param):
    assert refused(models=models).param == param


@pytest.mark.parametrize(
    ("provider", "param"),
    [
        ("cheap", "provider"),
        ({"cheapest": True}, "provider.cheapest"),
        ({"zdr": "yes"}, "provider.zdr"),
        ({"max_price": 1}, "provider.max_price"),
        ({"max_price": {"tokens": 1}}, "provider.max_price.tokens"),
        ({"max_price": {"prompt": -1}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": True}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "1e99"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "NaN"}}, "provider.max_price.prompt"),
        ({"max_price": {"prompt": "much"}}, "provider.max_price.prompt"),
        ({"data_collection": "maybe"}, "provider.data_collection"),
        ({"sort": "speed"}, "provider.sort"),
        ({"sort": ["price"]}, "provider.sort"),
        ({"order": "a"}, "provider.order"),
        ({"only": [1]}, "provider.only"),
        ({"ignore": ["a"] * 101}, "provider.ignore"),
        ({"quantizations": ["fp7"]}, "provider.quantizations"),
        ({"quantizations": "fp8"}, "provider.quantizations"),
        ({"preferred_min_throughput": "fast"}, "provider.preferred_min_throughput"),
        ({"preferred_max_latency": {"p95": 1}}, "provider.preferred_max_latency.p95"),
        ({"preferred_max_latency": {"p90": 0}}, "provider.preferred_max_latency.p90"),
        ({"allow_fallbacks": "no"}, "provider.allow_fallbacks"),
        ({"require_parameters": 1}, "provider.require_parameters"),
    ],
)
def test_what_is_wrong_is_refused_by_name(provider, param):
    assert refused(provider=provider).param == param
