"""Faults to plant in the product's SQL, by the function that gets them: the machine must find each."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

# name: (function, what stands there, what is planted)
FAULTS: dict[str, tuple[str, str, str]] = {
    "a settlement that leaves what was held": (
        "xr_meter_commit",
        "reserved = c.reserved - s.held",
        "reserved = c.reserved",
    ),
    "a batch that is booked again": ("xr_meter_commit", "RETURN 'duplicate'", "p_batch := gen_random_uuid()"),
    "a late settlement that releases": (
        "xr_meter_commit",
        "sum(cost) AS cost, CASE WHEN live THEN sum(held) ELSE 0 END AS held",
        "sum(cost) AS cost, sum(held) AS held",
    ),
    "overage that is not charged": (
        "xr_meter_commit",
        "posted = c.posted - s.cost",
        "posted = c.posted - least(s.cost, s.held)",
    ),
    "a transfer of one record only": ("xr_meter_commit", "account, revenue, sum(cost)", "account, revenue, max(cost)"),
    "a key's period that forgets late usage": (
        "xr_meter_commit",
        "posted = p.posted + s.cost",
        "posted = p.posted + CASE WHEN live THEN s.cost ELSE 0 END",
    ),
    "an ended worker's exposure that stays": (
        "xr_end_worker",
        "exposed = c.exposed - r.exposure",
        "exposed = c.exposed",
    ),
    "a worker that is ended though it renewed": ("xr_end_worker", "(p_beat IS NULL OR beat = p_beat)", "true"),
    "a worker that is ended twice": ("xr_end_worker", "AND state = 'live' AND", "AND"),
    "a key that stays held by an ended worker": (
        "xr_end_worker",
        "DELETE FROM billing_keyreservation WHERE worker_id = p_worker;",
        "",
    ),
    "an operation that runs twice": ("xr_hold", "w.op_seq >= p_seq", "w.op_seq > p_seq"),
    "a reservation without its guard": (
        "xr_hold",
        "available := a.posted - a.reserved;",
        "available := a.posted - a.reserved + 20; a.posted := a.posted + 20;",
    ),
    "exposure without a limit": ("xr_hold", "- a.exposed);", ");"),
    "a promotion that counts as paid in": ("xr_hold", "a.paid_in / 10", "a.posted / 10"),
    "a key whose spending is forgotten": ("xr_hold", "- k.posted - k.reserved", "- k.reserved"),
    "a release that a key keeps": ("xr_hold", "reserved = reserved - item.give_key", "reserved = reserved"),
    "a refusal that tells of another key": ("xr_hold", "key_room := NULL;", ""),
    "spare beyond an eighth": ("xr_hold", '(available - item."full") / 8', '(available - item."full") / 4'),
}


@contextmanager
def planted(conn: psycopg.Connection, name: str) -> Iterator[None]:
    """The books' own function with the fault in it, meanwhile. `conn` is the superuser's."""
    function, good, bad = FAULTS[name]
    source = conn.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", (function,)).fetchone()[0]
    assert source.count(good) == 1, name
    conn.execute(source.replace(good, bad))
    try:
        yield
    finally:
        conn.execute(source)
