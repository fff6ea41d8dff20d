"""What can go wrong upstream, mapped once: status first, text second.

UpstreamError
 ├─ kind          one of KINDS, what the breaker, the failover and the client's answer go by
 ├─ retryable     whether another endpoint may do better
 └─ may_be_billed whether the provider may charge us for it all the same
"""

from typing import Literal

Kind = Literal[
    "invalid_request",  # the caller's fault: 400, 413, 422; passed on
    "context_length",  # the caller's fault: too long for this endpoint
    "credential",  # ours: 401, 402, 403
    "not_found",  # ours: the provider does not know the model
    "rate_limited",  # 429
    "overloaded",  # 503, 529
    "server",  # other 5xx, or an answer that is not what it should be
    "connect",  # no connection: nothing was sent
    "timeout",  # sent, but not answered in time
    "cut",  # the connection broke, or a stream ended without a finish reason
    "too_large",  # the answer passed a limit
    "in_band",  # status 200, but an error inside
]


class UpstreamError(Exception):
    """A failed attempt. `message` is cleaned and bounded; it may be shown to the caller."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        may_be_billed: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.retry_after_s = retry_after_s
        self.may_be_billed = may_be_billed

    @property
    def retryable(self) -> bool:
        """Another endpoint may do better; a timed-out attempt that may be billed is not repeated."""
        return self.kind not in ("invalid_request",) and not (self.kind == "timeout" and self.may_be_billed)

    @property
    def counts_against_endpoint(self) -> bool:
        """Whether the breaker should hear of it: only what the endpoint, not the caller, did wrong."""
        return self.kind in ("server", "overloaded", "connect", "timeout", "cut", "too_large", "in_band")
