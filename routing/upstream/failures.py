"""Foreign errors, mapped once. What was never sent cannot be billed; what was sent may be."""

import aiohttp

from routing.errors import UpstreamError

FOREIGN = (aiohttp.ClientError, OSError, TimeoutError)

_NOT_SENT = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
)
_BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


def mapped(error: BaseException) -> UpstreamError:
    """The UpstreamError that `error` means. Its text never holds an address or a header."""
    if isinstance(error, _NOT_SENT):
        return UpstreamError("connect", f"No connection to the provider ({_name(error)}).")
    if isinstance(error, TimeoutError):
        return timed_out()
    if isinstance(error, aiohttp.ClientResponseError):
        return UpstreamError("server", "The provider's answer is not valid HTTP.", may_be_billed=True)
    return UpstreamError("cut", "The connection to the provider broke off.", may_be_billed=True)


def timed_out() -> UpstreamError:
    """Sent, but not answered in time."""
    return UpstreamError("timeout", "The provider did not answer in time.", may_be_billed=True)


def is_stale(error: BaseException) -> bool:
    """Whether a connection broke before any byte of an answer came."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else the head of an answer that had begun
    return isinstance(error, _BROKEN) and not isinstance(error, _NOT_SENT)


def _name(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch)):
        return "its certificate is not trusted or TLS failed"
    if isinstance(error, TimeoutError):
        return "it took too long"
    return "refused or unreachable" if isinstance(error, OSError) else "its address is not valid"
