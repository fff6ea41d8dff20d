"""From a failed upstream to what the caller is told. The kind decides; attempts are listed."""

from collections.abc import Sequence
from typing import Any

from routing.errors import UpstreamError
from routing.proxy.generation import Generation
from xroute.lib.errors import ApiError


def api_error(error: UpstreamError, generation: Generation) -> ApiError:
    """The caller's error for a generation that no endpoint answered."""
    metadata: dict[str, Any] = {
        "provider_name": generation.attempts[-1]["provider"] if generation.attempts else None,
        "attempts": _shown(generation.attempts),
        "generation_id": generation.name,
    }
    if error.may_be_billed:
        metadata["may_be_billed"] = True
    if error.kind in ("invalid_request", "context_length"):
        status = error.status if error.status in (413, 422) else 400
        code = "context_length_exceeded" if error.kind == "context_length" else error.code
        return ApiError(status, "invalid_request_error", code, error.message, param=error.param, metadata=metadata)
    name = metadata["provider_name"] or "the provider"
    if error.kind == "rate_limited":
        wait_s = max(1, round(error.retry_after_s or 5))
        message = f"{name} limits the rate of requests, not this installation. Try again in {wait_s} s."
        headers = {"Retry-After": str(min(wait_s, 60))}
        return ApiError(429, "rate_limit_error", "upstream_rate_limited", message, headers=headers, metadata=metadata)
    if error.kind == "timeout":
        return ApiError(504, "api_error", "provider_timeout", f"{name} did not answer in time.", metadata=metadata)
    if error.kind == "overloaded":
        message = error.message or f"{name} is overloaded."
        headers = {"Retry-After": str(min(60, max(1, round(error.retry_after_s or 2))))}
        return ApiError(503, "api_error", "overloaded", message, headers=headers, metadata=metadata)
    return ApiError(502, "api_error", "provider_error", f"{name} failed: {_cause(error)}", metadata=metadata)


def _cause(error: UpstreamError) -> str:
    if error.kind == "credential":
        return "it refused this installation's credential. The operator has been alerted."
    if error.kind == "not_found":
        return "it does not know this model."
    return error.message or error.kind


def _shown(attempts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: attempt[name] for name in ("provider", "outcome", "detail", "ms")} for attempt in attempts]
