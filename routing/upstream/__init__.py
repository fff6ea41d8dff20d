"""The only module that opens sockets: requests out to providers, bounded in time, bytes and number.

httpx's request model over aiohttp's connections (httpx-aiohttp), used without httpx's AsyncClient, which costs more
than the call. Foreign exceptions end here: whatever goes wrong is an UpstreamError.
"""

from routing.upstream.client import Upstream, left
from routing.upstream.key_check import KeyCheck, key_check
from routing.upstream.limits import UpstreamLimits
from routing.upstream.stream import UpstreamStream

__all__ = ["KeyCheck", "Upstream", "UpstreamLimits", "UpstreamStream", "key_check", "left"]
