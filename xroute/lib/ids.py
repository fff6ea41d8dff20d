"""Time-ordered 128-bit ids (RFC 9562, version 7) and the names they are shown under."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = (1 << 62) - 1


def new_id(at_ms: int | None = None) -> UUID:
    """A new id whose first 48 bits are `at_ms` (Unix milliseconds; now where it is left out)."""
    ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    noise = int.from_bytes(os.urandom(10), "big")
    value = (ms & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0x2 << 62 | noise & _RANDOM_BITS
    return UUID(int=value)


def time_ms(value: UUID) -> int:
    """The Unix milliseconds inside a time-ordered id."""
    return value.int >> 80


def created_at(value: UUID) -> datetime:
    """The moment inside a time-ordered id, in UTC."""
    return datetime.fromtimestamp(time_ms(value) / 1000, UTC)


def generation_name(value: UUID) -> str:
    """How a generation is shown to clients: gen-<32 hexadecimal digits>."""
    return f"gen-{value.hex}"


def generation_id(name: str) -> UUID | None:
    """The id inside a generation's name; None where it is not one."""
    prefix, _, digits = name.partition("-")
    if prefix != "gen" or len(digits) != 32:
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None
