"""What may be set on a key, the same in forms and in the API. Pure."""

import ipaddress
from collections.abc import Iterable

LIMIT_USD_MAX = 1_000_000
REQUESTS_MAX, TOKENS_MAX, PARALLEL_MAX = 10**7, 10**11, 10**5
LIST_MAX, NAME_LENGTH_MAX, MODEL_LENGTH_MAX = 100, 100, 200


def networks(given: Iterable[str]) -> list[str]:
    """Addresses and networks in CIDR notation, each once; raises ValueError with a sentence that names the bad one."""
    found: dict[str, None] = {}
    for text in given:
        try:
            found[str(ipaddress.ip_network(text.strip(), strict=False))] = None
        except ValueError:
            raise ValueError(
                f"{text.strip()[:60]!r} is no IP address and no network such as 192.0.2.0/24 or 2001:db8::/32."
            ) from None
    if len(found) > LIST_MAX:
        raise ValueError(f"At most {LIST_MAX} networks can be named.")
    return list(found)
