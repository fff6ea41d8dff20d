"""Stripe's book against ours: what was paid there is credited here, once, to the cent. `unlike` is pure."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

CENT = 10_000_000
TOP_UPS = """
SELECT p.session_id, t.amount FROM billing_payment p
  JOIN billing_transfer t ON t.reference = 'payment:' || p.id AND t.kind = 'top_up'"""
STRAYS = "SELECT idempotency_key FROM billing_transfer WHERE kind = 'top_up' AND reference NOT LIKE 'payment:%'"


@dataclass(frozen=True, slots=True)
class Till:
    """`paid`: session → cents, at Stripe. `credited`: session → amounts of its top-ups. `strays` are of no payment.

    `under_way` counts what Stripe has not decided yet.
    """

    paid: dict[str, int]
    credited: dict[str, list[int]]
    strays: Sequence[str] = ()
    under_way: int = 0

    @property
    def credited_nanousd(self) -> int:
        return sum(amount for amounts in self.credited.values() for amount in amounts)


def read_till(database_url: str, store: Path) -> Till:
    """Both books, as they are now."""
    credited: dict[str, list[int]] = defaultdict(list)
    with psycopg.connect(database_url) as conn:
        for session_id, amount in conn.execute(TOP_UPS):
            credited[str(session_id)].append(amount)
        strays = [row[0] for row in conn.execute(STRAYS)]
    objects = read_objects(store)
    return Till(paid(objects), dict(credited), strays, sum(found.get("status") == "processing" for found in objects))


def read_objects(store: Path) -> list[dict[str, Any]]:
    """The emulator's store has a line for each state of an object; the last one counts."""
    objects: dict[str, dict[str, Any]] = {}
    for line in store.read_text().splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue  # torn by a kill; written anew after it
        objects[found["id"]] = found
    return list(objects.values())


def paid(objects: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Sessions that are paid, with their cents."""
    sessions = [found for found in objects if found["object"] == "checkout.session"]
    return {found["id"]: found["amount_subtotal"] for found in sessions if found["payment_status"] == "paid"}


def unlike(till: Till) -> Iterator[str]:
    """Every way in which the two books differ."""
    for session_id, cents in till.paid.items():
        amounts = till.credited.get(session_id, [])
        if len(amounts) != 1:
            yield f"{session_id} was paid at Stripe, and credited {len(amounts)} times"
        elif amounts[0] != cents * CENT:
            yield f"{session_id} was paid {cents} cents, and credited {amounts[0]} nano-USD"
    for session_id, amounts in till.credited.items():
        if session_id not in till.paid:
            yield f"{session_id} was not paid at Stripe, and credited {amounts}"
    for key in till.strays:
        yield f"the top-up {key} is of no payment"


def waiting(till: Till) -> int:
    """How much Stripe has and we do not yet, and how much it may still have."""
    return till.under_way + sum(session_id not in till.credited for session_id in till.paid)
