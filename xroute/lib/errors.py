"""The one exception the API plane raises on purpose.

ApiError
 ├─ carries everything an OpenAI-shaped error body needs (see xroute.api.errors.body)
 └─ never carries upstream text that was not cleaned, a key, or a prompt
"""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer that is an error.

    `kind` is OpenAI's `type`; `code` and `param` are strings or None; `headers` are added to the answer
    (Retry-After in seconds); `metadata` goes into `error.metadata` beside the request id.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message
        self.param = param
        self.headers = dict(headers or {})
        self.metadata = dict(metadata or {})


def invalid(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> ApiError:
    """The caller's body is wrong: says which field and what to do instead."""
    return ApiError(status, "invalid_request_error", code, message, param=param)


def unavailable(message: str, *, retry_after_s: int = 1, code: str = "overloaded") -> ApiError:
    """A fault of the installation's own: 503 with Retry-After, never a 401 and never a 500 page."""
    return ApiError(503, "api_error", code, message, headers={"Retry-After": str(retry_after_s)})
