"""Limits of the calls to providers. Times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """`connect_s` covers waiting for a free connection, DNS, TCP and TLS together.

    `connections_per_host_max` keeps one slow provider from taking all connections; `keepalive_per_host_max` idle ones
    are kept for `keepalive_s`. A reused connection that breaks within `stale_s`, before any byte of an answer, is
    taken for one that the server had closed already.
    """

    connect_s: float = 5
    first_byte_s: float = 60
    reasoning_first_byte_s: float = 300
    between_chunks_s: float = 60
    reasoning_between_chunks_s: float = 300
    total_s: float = 600
    response_bytes_max: int = 64 * 2**20
    error_body_bytes_max: int = 64 * 1024
    connections_max: int = 2000
    connections_per_host_max: int = 1000
    keepalive_per_host_max: int = 500
    keepalive_s: float = 15
    stale_s: float = 1
    dns_cache_s: int = 30
    header_bytes_max: int = 32 * 1024
