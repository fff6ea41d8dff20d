"""Which Host headers this installation answers to: Django's own rule, asked once per host."""

from collections.abc import Sequence
from functools import lru_cache

from django.http.request import split_domain_port, validate_host

HOST_LENGTH_MAX = 300  # a DNS name has at most 253 characters; keeps the cache small
LOCAL = (".localhost", "127.0.0.1", "[::1]")


class Hosts:
    """The check of ALLOWED_HOSTS without a request. Forwarded hosts are not looked at."""

    def __init__(self, allowed: Sequence[str], *, debug: bool = False) -> None:
        self._allowed = tuple(allowed) or (LOCAL if debug else ())
        self._known = lru_cache(maxsize=1024)(self._check)

    def allows(self, host: str) -> bool:
        """Whether `host` (a Host header; two of them arrive joined by a comma) is one of ours."""
        return len(host) <= HOST_LENGTH_MAX and self._known(host)

    def _check(self, host: str) -> bool:
        domain, _port = split_domain_port(host)
        return bool(domain) and validate_host(domain, self._allowed)
