"""Demo mode is for this machine only. Pure: it looks at nothing but the ASGI scope."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

LOCAL_HOST = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


def refusal(scope: Mapping[str, Any]) -> str | None:
    """Why demo mode does not answer this request, or None where it is a local one."""
    client = scope.get("client")
    if not client or not is_loopback(client[0]):
        return "XRoute runs in demo mode and answers only this machine. Run it with XROUTE_MODE=production."
    hosts = []
    for name, value in scope["headers"]:
        if name == b"host":
            hosts.append(value)
        elif _is_forwarding(name):
            return f"XRoute runs in demo mode and answers nothing forwarded ({name.decode('latin1')})."
    if len(hosts) != 1 or not LOCAL_HOST.fullmatch(hosts[0]):
        return "XRoute runs in demo mode and answers only to the names localhost, 127.0.0.1 and [::1]."
    return None


def _is_forwarding(name: bytes) -> bool:
    plain = name.lower().replace(b"_", b"-")
    return plain in (b"forwarded", b"x-real-ip") or plain.startswith(b"x-forwarded")


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; anything that is not an address is not."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)
