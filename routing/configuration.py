"""Settings as the frozen limits that the pure modules take."""

from django.conf import settings

from routing.health import Limits as HealthLimits
from routing.limits import Limits
from routing.upstream import UpstreamLimits


def limits_from_settings() -> Limits:
    """The limits of the request path."""
    return Limits(
        attempts_max=settings.XROUTE_ATTEMPTS_MAX,
        chunk_s=settings.XROUTE_CHUNK_TIMEOUT_S,
        reasoning_chunk_s=settings.XROUTE_REASONING_CHUNK_TIMEOUT_S,
        total_s=settings.XROUTE_TOTAL_TIMEOUT_S,
        trailing_usage_s=settings.XROUTE_TRAILING_USAGE_S,
        queue_bytes_max=settings.XROUTE_STREAM_QUEUE_BYTES_MAX,
        stall_s=settings.XROUTE_STREAM_STALL_S,
        keepalive_s=settings.XROUTE_KEEPALIVE_S,
        drains_max=settings.XROUTE_DRAINS_MAX,
        drains_per_workspace_max=settings.XROUTE_DRAINS_PER_WORKSPACE_MAX,
        drain_s=settings.XROUTE_DRAIN_STREAM_S,
        drain_bytes_max=settings.XROUTE_DRAIN_BYTES_MAX,
        outage_grace_s=settings.XROUTE_OUTAGE_GRACE_S,
        default_sort=settings.XROUTE_DEFAULT_SORT or None,
    )


def health_limits() -> HealthLimits:
    """The breaker's and the retry budget's numbers."""
    return HealthLimits(ejection_s=settings.XROUTE_BREAKER_OUT_S)


def upstream_limits() -> UpstreamLimits:
    """The limits of connections to providers."""
    return UpstreamLimits(
        connect_s=settings.XROUTE_CONNECT_TIMEOUT_S,
        total_s=settings.XROUTE_TOTAL_TIMEOUT_S,
        response_bytes_max=settings.XROUTE_RESPONSE_BYTES_MAX,
    )
