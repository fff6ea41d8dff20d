"""What a generation costs. Pure: token counts and prices in, integer nano-USD out.

Prices are nano-USD per million units (tokens, requests, images). A cost is the exact sum over the classes,
rounded up once. Cached and cache-write tokens are part of the prompt, reasoning tokens part of the completion;
each token is charged once, at the price of its own class.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Self

MILLION, WHOLE_BP = 1_000_000, 10_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Nano-USD per million. None means: the class has no price of its own and falls back as `of` says."""

    input: int
    output: int
    cached_input: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    request: int = 0
    image: int = 0

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if value is not None and value < 0:
                raise ValueError(f"price {part.name} is negative")

    def scaled(self, share_bp: int) -> "Prices":
        """`share_bp` hundredths of a per cent of every price, each rounded up to a whole nano-USD."""

        def part(price: int) -> int:
            return -(-price * share_bp // WHOLE_BP)

        def own(price: int | None) -> int | None:
            return None if price is None else part(price)

        return Prices(
            part(self.input),
            part(self.output),
            own(self.cached_input),
            own(self.cache_write),
            own(self.reasoning),
            part(self.request),
            part(self.image),
        )

    @property
    def dearest_input(self) -> int:
        """The highest price a prompt token can meet."""
        return max(self.input, self.cached_input or 0, self.cache_write or 0)

    @property
    def dearest_output(self) -> int:
        """The highest price a completion token can meet."""
        return max(self.output, self.reasoning or 0)


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `prompt` includes `cached` and `cache_write`; `completion` includes `reasoning`."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    images: int = 0
    requests: int = field(default=1)

    def normalised(self) -> Self:
        """The same without negative counts, and with parts cut so that no token is counted in two classes."""
        prompt, completion = max(0, self.prompt), max(0, self.completion)
        cached = max(0, min(self.cached, prompt))
        write = max(0, min(self.cache_write, prompt - cached))
        reasoning = max(0, min(self.reasoning, completion))
        return type(self)(prompt, completion, cached, write, reasoning, self.images, self.requests)


def cost_nanousd(prices: Prices, usage: Usage) -> int:
    """The cost, rounded up once to a whole nano-USD."""
    u = usage.normalised()
    cached = prices.input if prices.cached_input is None else prices.cached_input
    write = prices.input if prices.cache_write is None else prices.cache_write
    reasoning = prices.output if prices.reasoning is None else prices.reasoning
    exact = (
        (u.prompt - u.cached - u.cache_write) * prices.input
        + u.cached * cached
        + u.cache_write * write
        + (u.completion - u.reasoning) * prices.output
        + u.reasoning * reasoning
        + u.requests * prices.request
        + u.images * prices.image
    )
    return -(-exact // MILLION)


def upper_bound_nanousd(prices: Prices, *, prompt_tokens: int, completion_tokens: int, images: int = 0) -> int:
    """No usage of at most so many tokens can cost more than this at these prices."""
    exact = (
        prompt_tokens * prices.dearest_input
        + completion_tokens * prices.dearest_output
        + prices.request
        + images * prices.image
    )
    return -(-exact // MILLION)


def affordable_completion_tokens(prices: Prices, *, nanousd: int, prompt_tokens: int, images: int = 0) -> int:
    """The most completion tokens whose upper bound `nanousd` still covers; 0 where not even the prompt fits."""
    left = nanousd * MILLION - prompt_tokens * prices.dearest_input - prices.request - images * prices.image
    if left < 0:
        return 0
    return left // prices.dearest_output if prices.dearest_output else 2**31 - 1


def cache_saving_nanousd(prices: Prices, usage: Usage) -> int:
    """What the prompt's cached tokens saved against the price of the prompt; below 0 where writing them cost more."""
    plain = replace(prices, cached_input=None, cache_write=None)
    return cost_nanousd(plain, usage) - cost_nanousd(prices, usage)
