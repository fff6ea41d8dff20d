"""Keys that could be taken for where and as whom to connect: refused, never passed on.

Client libraries and proxies read such words out of a body and send the request, with the house's credential, to a
host of the caller's choice (CVE-2024-6587, and its return one level deeper). An upstream may be such a proxy.
"""

from typing import Any

from xroute.lib.errors import ApiError, invalid

CONNECTION_KEYS = frozenset(
    (
        "api_base", "api_key", "api_type", "api_version", "apikey", "authorization", "base_url", "client",
        "context_window_fallbacks", "credential", "credentials", "custom_llm_provider", "default_headers",
        "default_query", "deployment_id", "endpoint", "extra_body", "extra_headers", "extra_query", "fallbacks",
        "headers", "host", "http_client", "litellm_credential_name", "litellm_params", "litellm_settings",
        "mock_response", "model_config", "model_info", "model_list", "organization", "proxies", "proxy",
        "router_settings_override", "ssl_verify", "timeout", "url", "user_config", "verify",
    )
)  # fmt: skip
CONNECTION_PREFIXES = ("aws_", "azure_", "litellm_", "vertex_", "x-portkey", "portkey_")

# Objects of OpenAI's and OpenRouter's own: what is inside is the caller's data, not a connection.
_DATA_KEYS = frozenset(
    (
        "audio", "function_call", "functions", "logit_bias", "messages", "metadata", "modalities", "models",
        "plugins", "prediction", "provider", "reasoning", "response_format", "stop", "stream_options", "tool_choice",
        "tools", "usage", "web_search_options",
    )
)  # fmt: skip
_DEPTH_MAX = 32


def refuse_connection_keys(body: dict[str, Any]) -> None:
    """Raises ApiError 400 for a connection key at the top, or at any depth of an object we do not know."""
    if not CONNECTION_KEYS.isdisjoint(body):
        raise _refused(next(key for key in body if key in CONNECTION_KEYS), "")
    for key, value in body.items():
        if key.startswith(CONNECTION_PREFIXES):
            raise _refused(key, "")
        if isinstance(value, (dict, list)) and key not in _DATA_KEYS:
            _refuse_within(value, key, 1)


def _refuse_within(value: dict[str, Any] | list[Any], path: str, depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise invalid(f"`{path[:100]}` is nested too deeply.", param=path[:100])
    items = value.items() if isinstance(value, dict) else ((str(index), part) for index, part in enumerate(value))
    for key, part in items:
        if isinstance(value, dict) and (key in CONNECTION_KEYS or key.startswith(CONNECTION_PREFIXES)):
            raise _refused(key, path + ".")
        if isinstance(part, (dict, list)):
            _refuse_within(part, f"{path}.{key}"[:200], depth + 1)


def _refused(key: str, where: str) -> ApiError:
    name = (where + key)[:200]
    return invalid(
        f"`{name}` is not accepted: providers and their credentials are chosen by the gateway. Remove it; to choose"
        " a provider use `provider.order` or `provider.only`, and send options of the model at the top level.",
        param=name,
        code="unsupported_parameter",
    )
