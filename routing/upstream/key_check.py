"""Does a provider accept this key: its list of models, or where it has none the smallest chat call. For people."""

from dataclasses import dataclass
from time import monotonic

import httpx
import orjson

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4 * 2**20
NO_LIST = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What came back. `status` is 0 where nothing did; `models` is None where the provider lists none."""

    status: int
    latency_ms: int
    models: int | None = None
    problem: str = ""

    @property
    def works(self) -> bool:
        return not self.problem


def key_check(*, base_url: str, secret: str, upstream_id: str, timeout_s: float = TIMEOUT_S) -> KeyCheck:
    """One call, or two, to `base_url` with the key; each within `timeout_s`. Redirects are not followed.

    Blocks; what the provider says is not shown, as some repeat the key in their answers.
    """
    started = monotonic()
    try:
        with httpx.Client(timeout=timeout_s, trust_env=False, headers={"Authorization": f"Bearer {secret}"}) as client:
            status, body = _call(client, "GET", f"{base_url}/models", None, timeout_s)
            if status in NO_LIST and upstream_id:
                ask = {"model": upstream_id, "max_tokens": 1, "messages": [{"role": "user", "content": "1"}]}
                started = monotonic()
                status, body = _call(client, "POST", f"{base_url}/chat/completions", ask, timeout_s)
    except (httpx.TimeoutException, TimeoutError):
        return KeyCheck(0, _ms(started), problem=f"It did not answer within {timeout_s:g} s.")
    except httpx.HTTPError as error:
        return KeyCheck(0, _ms(started), problem=f"It could not be reached ({type(error).__name__}).")
    return KeyCheck(status, _ms(started), _count(body), _problem(status))


def _call(client: httpx.Client, method: str, url: str, ask: object, timeout_s: float) -> tuple[int, bytes]:
    """Status and body. httpx limits each read by itself; the whole is limited here, in time and in bytes."""
    until = monotonic() + timeout_s
    body = bytearray()
    with client.stream(method, url, json=ask) as answer:
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                break
            if monotonic() > until:
                raise TimeoutError
        return answer.status_code, bytes(body)


def _problem(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if status in (401, 403):
        return "It refuses this key. Copy it again from the provider's own page, or make a new one there."
    if status == 402:
        return "It knows this key, but the account has no credit there."
    if status == 429:
        return "It knows this key, but is limiting its use now. Try again in a minute."
    if status >= 500:
        return "It has a fault of its own. Try again later."
    return "It answered something unexpected. Check its address."


def _count(body: bytes) -> int | None:
    try:
        data = orjson.loads(body)
    except ValueError:
        return None
    rows = data.get("data") if isinstance(data, dict) else None
    return len(rows) if isinstance(rows, list) else None


def _ms(started: float) -> int:
    return round((monotonic() - started) * 1000)
