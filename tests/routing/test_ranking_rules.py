"""Ranking as a function: properties that hold for any endpoints, and each word of the caller's and of health."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from billing.pricing import Prices, Usage, cost_nanousd
from routing.health import Health
from routing.ranking import candidates, expected_cost_nanousd
from routing.ranking.order import sticky_draw
from routing.types import Credential, Figures, Percentiles, Provider
from tests.routing.facts import chat, endpoint


def facts(**values) -> Figures:
    return Figures(**values)


def percentiles(value: float) -> Percentiles:
    return Percentiles(value, value, value, value)


def slugs(endpoints, request=None, **options) -> list[str]:
    return [e.provider.slug for e in candidates(endpoints, request or chat(), Health(), **options).endpoints]


def made(number: int, price: int = 1000, **fields):
    """`price` is in micro-USD per million tokens: large enough to show in the cost of one request."""
    values = {"prices": Prices(price * 10**6, price * 10**6), **fields}
    made = endpoint(number, f"p{number}", **{name: value for name, value in values.items() if name != "provider"})
    return replace(made, provider=fields["provider"]) if "provider" in fields else made


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "only": st.lists(st.sampled_from(["p1", "p2", "p3", "p4"]), max_size=3),
        "ignore": st.lists(st.sampled_from(["p1", "p2", "p3", "p4"]), max_size=2),
        "order": st.lists(st.sampled_from(["p1", "p2", "p3", "p4"]), max_size=3),
        "sort": st.sampled_from(["price", "throughput", "latency"]),
        "allow_fallbacks": st.booleans(),
        "zdr": st.booleans(),
        "data_collection": st.sampled_from(["allow", "deny"]),
        "quantizations": st.lists(st.sampled_from(["fp8", "bf16"]), max_size=2),
        "max_price": st.fixed_dictionaries({}, optional={"prompt": st.integers(0, 5), "completion": st.integers(0, 5)}),
        "preferred_max_latency": st.integers(1, 5),
    },
)


@st.composite
def endpoints_and_figures(draw):
    found, figures = [], {}
    for number in range(1, draw(st.integers(1, 4)) + 1):
        provider = Provider(
            f"p{number}", f"P {number}", "https://p.test/v1", collects_data=draw(st.booleans()), zdr=draw(st.booleans())
        )
        price = Prices(draw(st.integers(0, 6)) * 10**9, draw(st.integers(0, 6)) * 10**9)
        quantization = draw(st.sampled_from(["", "fp8", "bf16"]))
        found.append(made(number, provider=provider, prices=price, quantization=quantization))
        figures[number] = facts(
            requests_30m=draw(st.integers(0, 300)),
            uptime_30m=draw(st.none() | st.floats(0, 1)),
            latency_ms=draw(st.none() | st.builds(percentiles, st.floats(1, 9000))),
        )
    return found, figures


@given(endpoints_and_figures(), WORDS, st.sets(st.integers(1, 4)))
def test_an_excluded_endpoint_never_answers_and_one_that_qualifies_always_does(drawn, words, cooling):
    endpoints, figures = drawn
    health = Health()
    for number in cooling:
        health.cool(f"p{number}-a", 50)
    request = chat(provider=words)
    choice = candidates(endpoints, request, health, figures=figures)
    answering, left = [e.id for e in choice.endpoints], [e.id for e, _ in choice.left_out]
    qualify = [e for e in endpoints if _qualifies(e, words)]
    assert {e.id for e in choice.endpoints} <= {e.id for e in qualify}
    assert bool(choice.endpoints) == bool(qualify)
    assert sorted(answering + left) == [e.id for e in endpoints], "each is either tried or left out with a reason"
    if not cooling.issuperset(e.id for e in qualify):
        assert not cooling.intersection(answering), "what is out of service waits while another can answer"


def _qualifies(e, words) -> bool:
    """The rules once more, straight from their description."""
    slug, most = e.provider.slug, words.get("max_price", {})
    if words.get("only") and slug not in words["only"]:
        return False
    if slug in words.get("ignore", ()):
        return False
    if words.get("order") and words.get("allow_fallbacks") is False and slug not in words["order"]:
        return False
    if words.get("zdr") and not e.provider.zdr:
        return False
    if words.get("data_collection") == "deny" and e.provider.collects_data:
        return False
    if words.get("quantizations") and e.quantization not in words["quantizations"]:
        return False
    within = (e.prices.input, most.get("prompt")), (e.prices.output, most.get("completion"))
    return all(limit is None or price <= limit * 10**9 for price, limit in within)


@given(endpoints_and_figures(), WORDS, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_that_was_given(drawn, words, random):
    endpoints, figures = drawn
    shuffled = random.sample(endpoints, len(endpoints))
    options = {"figures": figures, "draw": sticky_draw(b"seed")}
    first = candidates(endpoints, chat(provider=words), Health(), **options)
    again = candidates(shuffled, chat(provider=words), Health(), **options)
    assert first.endpoints == again.endpoints


def test_endpoints_win_as_often_as_one_over_the_price_squared_says():
    endpoints = [made(1, price=1000), made(2, price=2000), made(3, price=3000)]
    costs = [expected_cost_nanousd(e, chat()) for e in endpoints]
    weights = [1 / cost**2 for cost in costs]
    runs = 6000
    won = Counter(slugs(endpoints)[0] for _ in range(runs))
    for e, weight in zip(endpoints, weights, strict=True):
        share = weight / sum(weights)
        spread = 5 * math.sqrt(share * (1 - share) / runs)
        assert abs(won[e.provider.slug] / runs - share) < spread, won


def test_sticky_shares_follow_the_weights_too_and_a_conversation_stays():
    endpoints = [made(1, price=1000), made(2, price=1000)]
    first = [slugs(endpoints, draw=sticky_draw(b"%d" % seed))[0] for seed in range(2000)]
    assert first == [slugs(endpoints, draw=sticky_draw(b"%d" % seed))[0] for seed in range(2000)]
    assert 850 < Counter(first)["p1"] < 1150


def test_a_conversation_moves_only_where_its_own_endpoint_is_gone():
    endpoints = [made(number) for number in (1, 2, 3)]
    for seed in range(300):
        draw = sticky_draw(b"%d" % seed)
        everyone = slugs(endpoints, draw=draw)
        assert slugs(endpoints[:2], draw=draw) == [slug for slug in everyone if slug != "p3"]


@pytest.mark.parametrize(
    ("sort", "best"),
    [("throughput", ["p2", "p1", "p3"]), ("latency", ["p1", "p2", "p3"]), ("price", ["p3", "p1", "p2"])],
)
def test_sorts_go_by_what_was_measured_and_the_unknown_come_last(sort, best):
    endpoints = [made(1, price=20), made(2, price=30), made(3, price=10)]
    figures = {
        1: facts(latency_ms=percentiles(100), throughput_tps=percentiles(10)),
        2: facts(latency_ms=percentiles(200), throughput_tps=percentiles(90)),
    }
    assert slugs(endpoints, chat(provider={"sort": sort}), figures=figures) == best
    assert slugs(endpoints, figures=figures, default_sort=sort) == best


@pytest.mark.parametrize(
    ("wish", "best"),
    [
        ({"preferred_max_latency": 0.15}, ["p2", "p1"]),
        ({"preferred_max_latency": {"p99": 9}}, ["p1", "p2"]),
        ({"preferred_min_throughput": 50}, ["p2", "p1"]),
        ({"preferred_min_throughput": {"p50": 5, "p90": 50}}, ["p2", "p1"]),
    ],
)
def test_wishes_only_put_last(wish, best):
    endpoints = [made(1, price=10), made(2, price=20)]
    figures = {
        1: facts(latency_ms=percentiles(200), throughput_tps=percentiles(10)),
        2: facts(latency_ms=percentiles(100), throughput_tps=percentiles(90)),
    }
    assert slugs(endpoints, chat(provider=wish), figures=figures, default_sort="price") == best


@pytest.mark.parametrize(
    ("uptime", "requests", "best"),
    [(0.96, 500, "p1"), (0.94, 500, "p2"), (0.5, 500, "p3"), (0.0, 99, "p1"), (None, 500, "p1")],
)
def test_health_bands(uptime, requests, best):
    endpoints = [made(1, price=10), made(2, price=20), made(3, price=30)]
    figures = {1: facts(requests_30m=requests, uptime_30m=uptime)}
    if best == "p3":
        figures[2] = facts(requests_30m=100, uptime_30m=0.79)
    assert slugs(endpoints, figures=figures, default_sort="price")[0] == best


def test_a_workspaces_own_account_comes_first_but_not_against_its_order():
    own = made(1, price=50, byok=True, credentials=(Credential("own", "x"),))
    shared = [made(1, price=50), made(2, price=10)]
    assert candidates([own, *shared], chat(), Health(), default_sort="price").endpoints[0] is own
    ordered = chat(provider={"order": ["p2"]})
    assert candidates([own, *shared], ordered, Health()).endpoints[0].provider.slug == "p2"


def test_names_may_carry_a_quantization_or_a_region():
    endpoints = [made(1, quantization="fp8"), made(2, quantization="bf16", region="EU")]
    assert slugs(endpoints, chat(provider={"only": ["p1/fp8"]})) == ["p1"]
    assert slugs(endpoints, chat(provider={"only": ["p1/bf16", "p2/eu"]})) == ["p2"]
    assert slugs(endpoints, chat(provider={"ignore": ["P1"]})) == ["p2"]


def test_free_means_that_nothing_costs_anything():
    free = made(2, prices=Prices(0, 0))
    assert slugs([made(1), free, made(3, prices=Prices(0, 0, request=5))], chat(model="author/model:free")) == ["p2"]


@given(
    st.builds(Prices, st.integers(0, 10**12), st.integers(0, 10**12), request=st.integers(0, 10**12)),
    st.integers(1, 5000),
    st.integers(1, 4),
)
def test_the_expected_cost_is_what_billing_would_charge(prices, max_tokens, n):
    request = chat(max_tokens=max_tokens, n=n)
    usage = Usage(prompt=request.prompt_tokens_expected, completion=n * min(1024, max_tokens, 4096))
    assert expected_cost_nanousd(made(1, prices=prices), request) == cost_nanousd(prices, usage)
