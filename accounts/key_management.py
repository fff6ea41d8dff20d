"""Keys of a workspace as a management key sees and changes them: psycopg, for the API plane.

Every statement names the workspace, leaves management keys and revoked ones out, and is noted by the triggers that
tell workers of changed keys (migration 0002). A change is in force on every worker within 5 seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import keys
from xroute.lib.pg import Database, Row

KEYS_MAX = 10_000
PAGE = 100
COLUMNS = (
    "id, public_id, name, label, disabled, limit_nanousd, limit_reset, expires_at, requests_per_minute, "
    "tokens_per_minute, parallel_requests, allowed_models, allowed_cidrs, created_at, updated_at"
)
# What POST and PATCH may set.
SETTABLE = (
    *("name", "limit_nanousd", "limit_reset", "expires_at", "requests_per_minute", "tokens_per_minute"),
    *("parallel_requests", "allowed_models", "allowed_cidrs"),
)
OURS = "workspace_id = %(workspace)s AND NOT is_management AND revoked_at IS NULL"
LIST = f"""
SELECT {COLUMNS} FROM accounts_apikey WHERE {OURS} AND (NOT disabled OR %(disabled)s)
 ORDER BY created_at DESC, id DESC OFFSET %(offset)s LIMIT %(limit)s"""  # noqa: S608
ONE = f"SELECT {COLUMNS} FROM accounts_apikey WHERE {OURS} AND public_id = %(public_id)s"  # noqa: S608
# Made by whoever made the management key, which must be good at this very moment.
CREATE = f"""
WITH made AS (
  INSERT INTO accounts_apikey (workspace_id, created_by_id, label, {", ".join(SETTABLE)})
  SELECT m.workspace_id, m.created_by_id, %(label)s, {", ".join(f"%({name})s" for name in SETTABLE)}
    FROM accounts_apikey m JOIN accounts_workspace w ON w.id = m.workspace_id
   WHERE m.id = %(by)s AND m.is_management AND m.revoked_at IS NULL AND NOT m.disabled AND NOT w.suspended
     AND (SELECT count(*) FROM accounts_apikey k
           WHERE k.workspace_id = m.workspace_id AND k.revoked_at IS NULL) < %(most)s
  RETURNING {COLUMNS}
), secret AS (
  INSERT INTO accounts_apikeysecret (key_id, digest) SELECT id, %(digest)s FROM made
)
SELECT {COLUMNS} FROM made"""  # noqa: S608
DELETE = f"""
UPDATE accounts_apikey SET revoked_at = now() WHERE {OURS} AND public_id = %(public_id)s RETURNING 1"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """A key as it stands. `hash` is its public name: it says nothing of its secret, and stays when that is rotated."""

    id: int
    public_id: UUID
    name: str
    label: str
    disabled: bool
    limit_nanousd: int | None
    limit_reset: str
    expires_at: datetime | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    parallel_requests: int | None
    allowed_models: Sequence[str]
    allowed_cidrs: Sequence[str]
    created_at: datetime
    updated_at: datetime | None

    @property
    def hash(self) -> str:
        return self.public_id.hex


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key and its secret, which is told this once."""

    key: ManagedKey
    secret: str = field(repr=False)


def public_id(text: str) -> UUID | None:
    """The id that `hash` stands for; None where it is not one."""
    try:
        return UUID(hex=text) if len(text) == 32 else None
    except ValueError:
        return None


async def keys_list(db: Database, *, workspace_id: int, offset: int, disabled: bool) -> list[ManagedKey]:
    """A page of the workspace's keys, the newest first."""
    values = {"workspace": workspace_id, "disabled": disabled, "offset": offset, "limit": PAGE}
    return [ManagedKey(*row) for row in await db.fetch(LIST, values)]


async def key_find(db: Database, *, workspace_id: int, hash_: str) -> ManagedKey | None:
    """The key of this name in the workspace."""
    return _one(await db.fetch(ONE, {"workspace": workspace_id, "public_id": public_id(hash_)}))


async def key_create(db: Database, *, by_key_id: int, values: Mapping[str, Any]) -> MadeKey | None:
    """A key in the workspace of the management key `by_key_id`; None where that is good no more or KEYS_MAX stand.

    `values` are of SETTABLE; what is left out is without limit.
    """
    secret = keys.mint()
    given: dict[str, Any] = {name: None for name in SETTABLE}
    given |= {"limit_reset": "never", "allowed_models": [], "allowed_cidrs": []}
    given |= {name: values[name] for name in SETTABLE if name in values}
    given |= {"label": keys.label(secret), "digest": keys.digest(secret), "by": by_key_id, "most": KEYS_MAX}
    made = _one(await db.fetch(CREATE, given))
    return None if made is None else MadeKey(made, secret)


async def key_change(db: Database, *, workspace_id: int, hash_: str, values: Mapping[str, Any]) -> ManagedKey | None:
    """Set `values` (of SETTABLE, and `disabled`); None where there is no such key."""
    names = [name for name in (*SETTABLE, "disabled") if name in values]
    what = ", ".join([*(f"{name} = %({name})s" for name in names), "updated_at = now()"])
    statement = f"UPDATE accounts_apikey SET {what} WHERE {OURS} AND public_id = %(public_id)s RETURNING {COLUMNS}"  # noqa: S608
    given = {name: values[name] for name in names} | {"workspace": workspace_id, "public_id": public_id(hash_)}
    return _one(await db.fetch(statement, given))


async def key_delete(db: Database, *, workspace_id: int, hash_: str) -> bool:
    """Revoke a key for good; whether there was one."""
    return bool(await db.fetch(DELETE, {"workspace": workspace_id, "public_id": public_id(hash_)}))


def _one(rows: list[Row]) -> ManagedKey | None:
    return ManagedKey(*rows[0]) if rows else None
