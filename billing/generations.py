"""The latest generations of a workspace, newest first, page by page. Amounts are nano-USD."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from xroute.lib import ids

PAGE = 25
# The index is by workspace and time; an id carries its time, so a page begins where the last one ended.
LATEST = """
SELECT r.id, r.created_at, r.model, r.provider, k.name, r.prompt_tokens, r.completion_tokens, r.cost_nanousd,
       r.latency_ms, r.first_byte_ms, r.streamed, r.cancelled, r.basis, r.reason, r.finish_reason, r.request_id
  FROM billing_usagerecord r LEFT JOIN accounts_apikey k ON k.id = r.key_id
 WHERE r.workspace_id = %(workspace)s AND r.created_at >= %(since)s AND r.created_at < %(until)s
   AND (%(before)s::uuid IS NULL OR (r.created_at, r.id) < (%(before_at)s, %(before)s))
   AND (%(key)s::bigint IS NULL OR r.key_id = %(key)s) AND (%(model)s::text IS NULL OR r.model = %(model)s)
 ORDER BY r.created_at DESC, r.id DESC LIMIT %(rows)s"""
DEMO_PREFIX = "demo-"
GOOD = {"": "answered", "stop": "answered", "tool_calls": "tool call", "length": "cut at its limit"}


@dataclass(frozen=True, slots=True)
class Row:
    """One generation as a list shows it."""

    id: UUID
    created_at: datetime
    model: str
    provider: str
    key_name: str | None
    prompt_tokens: int
    completion_tokens: int
    cost_nanousd: int
    latency_ms: int
    first_byte_ms: int
    streamed: bool
    cancelled: bool
    basis: str
    reason: str
    finish_reason: str
    request_id: str

    @property
    def name(self) -> str:
        return ids.generation_name(self.id)

    @property
    def demo(self) -> bool:
        return self.request_id.startswith(DEMO_PREFIX)

    @property
    def ended(self) -> str:
        """How it ended, in a word or two."""
        if self.basis == "not_charged":
            return f"failed: {self.reason.replace('_', ' ')}" if self.reason else "failed"
        if self.cancelled:
            return "cut by a restart here" if self.reason.startswith("server_stopping") else "left by the client"
        if self.basis == "estimated":
            return f"estimated: {self.reason.replace('_', ' ')}"
        return GOOD.get(self.finish_reason, self.finish_reason.replace("_", " "))

    @property
    def tone(self) -> str:
        """good, warn or bad."""
        if self.basis == "not_charged":
            return "bad"
        return "warn" if self.cancelled or self.basis == "estimated" else "good"


@dataclass(frozen=True, slots=True)
class Page:
    """`before` asks for the next, older page; None where this is the last."""

    rows: list[Row]
    before: str | None

    @property
    def demo(self) -> bool:
        """Whether any of it was invented."""
        return any(row.demo for row in self.rows)


def generations_page(
    *,
    workspace_id: int,
    since: datetime,
    until: datetime,
    before: UUID | None = None,
    key_id: int | None = None,
    model: str | None = None,
) -> Page:
    """A page of the generations from `since` up to `until`, of one key or model where they are given."""
    values: dict[str, Any] = {
        "workspace": workspace_id,
        "since": since,
        "until": until,
        "before": before,
        "before_at": ids.created_at(before) if before else None,
        "key": key_id,
        "model": model,
        "rows": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(LATEST, values)
        found = [Row(*row) for row in cursor.fetchall()]
    return Page(found[:PAGE], found[PAGE - 1].name if len(found) > PAGE else None)
