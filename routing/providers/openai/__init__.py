"""The OpenAI wire format, which most providers speak: POST {base_url}/chat/completions.

After OpenAI's "Chat Completions" API reference and OpenAPI document (openapi.yaml, version 2.3.0; schemas
CreateChatCompletionRequest, CreateChatCompletionResponse, CreateChatCompletionStreamResponse, CompletionUsage),
with the deviations that compatible providers are known for. Pure; nothing here waits or opens anything.
"""

from routing.providers.openai.answer import event_in, response_in
from routing.providers.openai.failure import error_in
from routing.providers.openai.reader import reader
from routing.providers.openai.request import QUIRKS, cannot, request_out
from routing.providers.openai.usage import usage_in

__all__ = ["QUIRKS", "cannot", "request_out", "response_in", "event_in", "reader", "error_in", "usage_in"]
