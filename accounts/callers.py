"""From a key's digest to the Caller it stands for, cached in the process.

A change of a key reaches every worker within XROUTE_KEY_POLL_S: the poll reads what changed since the last one,
a notification only hastens it. While the poll fails, what is cached is honoured for XROUTE_OUTAGE_GRACE_S and no
longer: then every request is refused with 503, never with 401.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass

from xroute.lib.pg import Database, Outage, Row

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do. Times are Unix seconds, money nano-USD.

    `rotated_at`: until when this secret of the key is good, where a newer one has replaced it.
    """

    key_id: int
    workspace_id: int
    account_id: int
    name: str
    label: str
    limit_nanousd: int | None
    limit_reset: str
    expires_at: float | None
    rotated_at: float | None
    revoked: bool
    disabled: bool
    suspended: bool
    is_management: bool
    requests_per_minute: int | None
    tokens_per_minute: int | None
    parallel_requests: int | None
    allowed_models: frozenset[str]
    allowed_networks: tuple[Network, ...]
    created_at: float

    @property
    def ends_at(self) -> float | None:
        """When the secret that was sent ends: with its key, or by rotation."""
        return min((at for at in (self.expires_at, self.rotated_at) if at is not None), default=None)


SELECT = """
SELECT k.id, k.workspace_id, a.id, k.name, k.label, k.limit_nanousd, k.limit_reset,
       extract(epoch FROM k.expires_at)::float8, extract(epoch FROM s.valid_until)::float8,
       k.revoked_at IS NOT NULL, k.disabled,
       w.suspended OR w.closing_at IS NOT NULL,
       k.is_management, k.requests_per_minute, k.tokens_per_minute, k.parallel_requests,
       k.allowed_models, k.allowed_cidrs, extract(epoch FROM k.created_at)::float8
  FROM accounts_apikeysecret s
  JOIN accounts_apikey k ON k.id = s.key_id
  JOIN accounts_workspace w ON w.id = k.workspace_id
  JOIN billing_creditaccount a ON a.workspace_id = w.id
 WHERE s.digest = %s"""
CHANGES = """
SELECT array(SELECT DISTINCT key_id FROM accounts_keychange WHERE xid >= %s::text::xid8),
       pg_snapshot_xmin(pg_current_snapshot())::text"""


def caller_from_row(row: Row) -> Caller:
    """The row of SELECT as a Caller."""
    values = list(row)
    values[16] = frozenset(values[16])
    values[17] = tuple(ipaddress.ip_network(cidr, strict=False) for cidr in values[17])
    return Caller(*values)


class Directory:
    """The cache of one process. `run` must be running: without its polls nothing stays valid."""

    def __init__(self, db: Database, *, poll_s: float, grace_s: float, cache_s: float, size_max: int) -> None:
        self._db = db
        self._poll_s, self._grace_s, self._cache_s, self._size_max = poll_s, grace_s, cache_s, size_max
        self._entries: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._digests: dict[int, set[bytes]] = {}
        self._version = 0
        self._seen_xid = ""
        self._fresh_at = float("-inf")
        self._hurry = asyncio.Event()
        self._lookups = asyncio.Semaphore(8)

    async def caller(self, digest: bytes) -> Caller | None:
        """The Caller of a key's digest, None where there is no such key. Raises Outage."""
        now = time.monotonic()
        if now - self._fresh_at > self._grace_s:
            raise Outage("keys cannot be checked")
        entry = self._entries.get(digest)
        if entry is not None and now - entry[1] < self._cache_s:
            return entry[0]
        async with self._lookups:
            return await self._load(digest)

    async def _load(self, digest: bytes) -> Caller | None:
        version = self._version
        rows = await self._db.fetch(SELECT, (digest,))
        if not rows:
            return None
        caller = caller_from_row(rows[0])
        # Something changed while we read: what was read may be old, so it answers this request and is not kept.
        if version == self._version:
            self._keep(digest, caller)
        return caller

    def _keep(self, digest: bytes, caller: Caller) -> None:
        self._entries[digest] = (caller, time.monotonic())
        self._digests.setdefault(caller.key_id, set()).add(digest)
        if len(self._entries) > self._size_max:
            old, (gone, _) = self._entries.popitem(last=False)
            self._digests.get(gone.key_id, set()).discard(old)

    def hurry(self, _payload: str = "") -> None:
        """Poll now (a notification came)."""
        self._hurry.set()

    async def poll(self) -> None:
        """Forget every key that changed since the last poll - all, after too long a silence; raises Outage."""
        sent = time.monotonic()
        if not self._seen_xid or sent - self._fresh_at > self._grace_s:
            self._version += 1
            self._entries.clear()
            self._digests.clear()
            self._seen_xid = (await self._db.fetch("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))[0][0]
        else:
            ((changed, self._seen_xid),) = await self._db.fetch(CHANGES, (self._seen_xid,))
            for key_id in changed:
                self._forget(key_id)
        self._fresh_at = sent

    def _forget(self, key_id: int) -> None:
        self._version += 1
        for digest in self._digests.pop(key_id, ()):
            self._entries.pop(digest, None)

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            try:
                await self.poll()
            except Outage:
                pass
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()


_current: Directory | None = None


def install(directory: Directory | None) -> None:
    """Make `directory` the one that authentication asks."""
    global _current
    _current = directory


def current() -> Directory:
    """The installed directory; raises Outage before start-up has installed one."""
    if _current is None:
        raise Outage("not started")
    return _current
