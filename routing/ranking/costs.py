"""What a request is likely to cost at an endpoint."""

from billing.pricing import Usage, cost_nanousd
from routing.types import ChatRequest, Endpoint

COMPLETION_TOKENS_EXPECTED = 1024


def expected_cost_nanousd(endpoint: Endpoint, chat: ChatRequest) -> int:
    """What this very request is likely to cost at `endpoint`."""
    limit = endpoint.max_output_tokens if chat.max_tokens is None else chat.max_tokens
    completion = chat.n * min(COMPLETION_TOKENS_EXPECTED, limit, endpoint.max_output_tokens)
    usage = Usage(prompt=chat.prompt_tokens_expected, completion=completion, images=chat.images)
    return cost_nanousd(endpoint.prices, usage)
