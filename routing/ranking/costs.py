"""What a request is likely to cost at an endpoint."""

from billing.pricing import MILLION
from routing.types import ChatRequest, Endpoint

COMPLETION_TOKENS_EXPECTED = 1024


def expected_cost_nanousd(endpoint: Endpoint, chat: ChatRequest) -> int:
    """What this very request is likely to cost at `endpoint`: as billing reckons, with nothing cached.

    Several times in every request, so in plain arithmetic.
    """
    limit = endpoint.max_output_tokens if chat.max_tokens is None else chat.max_tokens
    completion = chat.n * min(COMPLETION_TOKENS_EXPECTED, limit, endpoint.max_output_tokens)
    prices = endpoint.prices
    exact = chat.prompt_tokens_expected * prices.input + completion * prices.output
    return -(-(exact + prices.request + chat.images * prices.image) // MILLION)
