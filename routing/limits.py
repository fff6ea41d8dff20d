"""The limits of the request path, as plain numbers (from settings; see README's table). Times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    attempts_max: int = 3
    chunk_s: float = 60
    reasoning_chunk_s: float = 300
    total_s: float = 600
    trailing_usage_s: float = 5
    queue_bytes_max: int = 256 * 1024
    stall_s: float = 60
    keepalive_s: float = 15
    drains_max: int = 100
    drains_per_workspace_max: int = 5
    drain_s: float = 60
    drain_bytes_max: int = 4 * 2**20
    outage_grace_s: float = 30
    shrink_tokens_min: int = 16
    cooldown_max_s: float = 60
    default_sort: str | None = None
