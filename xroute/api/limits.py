"""What one worker takes on at most, read from the settings when its handler is made."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. `bodies_bytes_max` and `inflight_max` count one process."""

    body_bytes_max: int = 20 * 2**20
    bodies_bytes_max: int = 256 * 2**20
    body_timeout_s: float = 30
    inflight_max: int = 2000
    stream_stall_s: float = 60

    @classmethod
    def from_settings(cls) -> Self:
        """The limits as the installation has set them."""
        return cls(
            body_bytes_max=settings.XROUTE_BODY_BYTES_MAX,
            bodies_bytes_max=settings.XROUTE_BODIES_BYTES_MAX,
            body_timeout_s=settings.XROUTE_BODY_TIMEOUT_S,
            inflight_max=settings.XROUTE_INFLIGHT_MAX,
            stream_stall_s=settings.XROUTE_STREAM_STALL_S,
        )
