"""What a generation costs: exact, rounded up once, and never above its bound."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, strategies as st

from billing.pricing import MILLION, Prices, Usage, affordable_completion_tokens, cost_nanousd, upper_bound_nanousd

PRICE = st.integers(0, 10**14)
OWN = st.none() | PRICE
PRICES = st.builds(
    Prices, input=PRICE, output=PRICE, cached_input=OWN, cache_write=OWN, reasoning=OWN, request=PRICE, image=PRICE
)
COUNT = st.integers(0, 2**21)
USAGES = st.builds(
    Usage, prompt=COUNT, completion=COUNT, cached=COUNT, cache_write=COUNT, reasoning=COUNT, images=st.integers(0, 50)
)


@given(PRICES, USAGES, COUNT, COUNT)
def test_no_usage_within_the_bounds_costs_more_than_the_upper_bound(prices, usage, more_prompt, more_completion):
    bound = upper_bound_nanousd(
        prices,
        prompt_tokens=usage.prompt + more_prompt,
        completion_tokens=usage.completion + more_completion,
        images=usage.images,
    )
    assert cost_nanousd(prices, usage) <= bound


@given(PRICES, USAGES)
def test_the_cost_is_the_exact_sum_rounded_up_once(prices, usage):
    u = usage.normalised()
    exact = sum(
        Fraction(count * price, MILLION)
        for count, price in (
            (u.prompt - u.cached - u.cache_write, prices.input),
            (u.cached, prices.input if prices.cached_input is None else prices.cached_input),
            (u.cache_write, prices.input if prices.cache_write is None else prices.cache_write),
            (u.completion - u.reasoning, prices.output),
            (u.reasoning, prices.output if prices.reasoning is None else prices.reasoning),
            (u.requests, prices.request),
            (u.images, prices.image),
        )
    )
    assert 0 <= cost_nanousd(prices, usage) - exact < 1


@given(USAGES)
def test_every_token_is_counted_in_one_class(usage):
    u = usage.normalised()
    assert (u.prompt, u.completion) == (usage.prompt, usage.completion)
    assert 0 <= u.cached + u.cache_write <= u.prompt
    assert 0 <= u.reasoning <= u.completion
    assert u.normalised() == u


@given(PRICES, st.builds(Usage, *(st.integers(-(2**40), 2**21) for _ in range(5))))
def test_negative_counts_are_none(prices, usage):
    u = usage.normalised()
    assert min(u.prompt, u.completion, u.cached, u.cache_write, u.reasoning) >= 0
    assert u.cached + u.cache_write <= u.prompt
    assert cost_nanousd(prices, usage) == cost_nanousd(prices, u) >= 0


@given(USAGES, st.integers(1, 10**9))
def test_with_one_price_for_all_tokens_the_classes_do_not_matter(usage, price):
    prices = Prices(price, price, cached_input=price, cache_write=price, reasoning=price)
    assert cost_nanousd(prices, usage) == -(-(usage.prompt + usage.completion) * price // MILLION)


def test_cached_tokens_are_charged_once_at_their_own_price():
    prices = Prices(input=3_000_000, output=0, cached_input=1_000_000)
    assert cost_nanousd(prices, Usage(prompt=100, cached=40)) == 60 * 3 + 40
    assert cost_nanousd(prices, Usage(prompt=100, cached=1000)) == 100


def test_a_class_at_zero_is_free_and_one_without_a_price_falls_back():
    assert cost_nanousd(Prices(2_000_000, 0, cached_input=0), Usage(prompt=10, cached=10)) == 0
    assert cost_nanousd(Prices(2_000_000, 0), Usage(prompt=10, cached=10)) == 20


def test_less_than_a_nano_usd_is_one():
    assert cost_nanousd(Prices(1, 1), Usage(prompt=1, completion=1)) == 1


@given(PRICES, st.integers(0, 10**12), st.integers(0, 2**20), st.integers(0, 5))
def test_affordable_tokens_are_the_exact_inverse_of_the_bound(prices, nanousd, prompt, images):
    def bound(tokens: int) -> int:
        return upper_bound_nanousd(prices, prompt_tokens=prompt, completion_tokens=tokens, images=images)

    tokens = affordable_completion_tokens(prices, nanousd=nanousd, prompt_tokens=prompt, images=images)
    assume(prices.dearest_output > 0)
    assert tokens >= 0
    if tokens:
        assert bound(tokens) <= nanousd < bound(tokens + 1)
    else:
        assert bound(1) > nanousd


def test_free_output_is_affordable_without_end_once_the_prompt_is_paid():
    prices = Prices(input=1_000_000, output=0)
    assert affordable_completion_tokens(prices, nanousd=11, prompt_tokens=10) > 10**9
    assert affordable_completion_tokens(prices, nanousd=10, prompt_tokens=10) == 2**31 - 1
    assert affordable_completion_tokens(prices, nanousd=9, prompt_tokens=10) == 0


def test_without_images_no_image_is_reckoned():
    prices = Prices(0, 1_000_000, image=5_000_000)
    assert upper_bound_nanousd(prices, prompt_tokens=0, completion_tokens=3) == 3
    assert affordable_completion_tokens(prices, nanousd=3, prompt_tokens=0) == 3


def test_prices_are_by_the_million_and_a_call_is_one_request():
    assert cost_nanousd(Prices(5 * 10**9, 0), Usage(prompt=2_000_000)) == 10**10
    assert cost_nanousd(Prices(0, 0, request=7_000_000), Usage()) == 7
    assert Usage() == Usage(0, 0, 0, 0, 0, 0, 1)
    assert (Prices(1, 1).request, Prices(1, 1).image) == (0, 0)


@pytest.mark.parametrize(("own", "dearest"), [(None, 5), (0, 5), (5, 5), (6, 6)])
def test_the_dearest_price_of_a_token_is_that_of_its_dearest_class(own, dearest):
    assert Prices(5, 0, cached_input=own).dearest_input == dearest
    assert Prices(5, 0, cache_write=own).dearest_input == dearest
    assert Prices(0, 5, reasoning=own).dearest_output == dearest
    assert Prices(0, 0).dearest_input == Prices(0, 0).dearest_output == 0


@pytest.mark.parametrize("name", ["input", "output", "cached_input", "cache_write", "reasoning", "request", "image"])
def test_a_negative_price_cannot_be(name):
    with pytest.raises(ValueError, match=f"price {name} is negative"):
        Prices(**{"input": 0, "output": 0, name: -1})
