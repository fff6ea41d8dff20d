"""Three books against each other. Pure: every function yields sentences, each of them a fault.

(a) what a client saw complete is in the ledger exactly once, at the same cost;
(b) what the ledger has is in the upstream's book, once, with the same usage;
(c) what only the upstream has was in flight at a killed web worker.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tests.chaos.books import Books
from tests.chaos.calls import Call
from tests.chaos.killer import Deed

Row = dict[str, Any]
MILLION, NANO = 1_000_000, 1_000_000_000
SETTLE_S = 15.0  # the longest stop of a web worker, and the time until a commit is spooled
ESTIMATE_SLACK_TOKENS = 2
REFUSALS = {503: "", 429: "credits_in_flight"}


def compare(calls: Sequence[Call], books: Books, deeds: Sequence[Deed], deposited: int) -> list[str]:
    """Every fault; none proves the run."""
    orphans = orphaned(books)
    faults = [*seen_by_clients(calls, books), *seen_by_ledger(books), *refusals(calls, deeds)]
    faults += unexplained(orphans, calls, deeds)
    if deposited - books.cost != books.posted:
        faults.append(f"balances: {deposited} deposited, {books.cost} spent, {books.posted} left")
    return faults


def seen_by_clients(calls: Sequence[Call], books: Books) -> Iterator[str]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in books.records:
        rows[row["request_id"]].append(row)
    for call in calls:
        if call.outcome != "complete":
            continue
        found = rows[call.request_id]
        if len(found) != 1:
            yield f"{call.request_id} was answered in full and is in the ledger {len(found)} times"
            continue
        (row,) = found
        if call.generation != f"gen-{row['id'].hex}":
            yield f"{call.request_id} was answered as {call.generation}, and booked as {row['id']}"
        if row["basis"] != "reported":
            yield f"{call.request_id} was answered in full, and booked as {row['basis']} ({row['reason']})"
        if call.cost is not None and round(call.cost * NANO) != row["cost_nanousd"]:
            yield f"{call.request_id} was told a cost of {call.cost}, and is booked at {row['cost_nanousd']}"


def seen_by_ledger(books: Books) -> Iterator[str]:
    upstream = {row["id"]: row for row in books.upstream}
    by_request = {row["request_id"]: row for row in books.upstream}
    times = Counter(row["upstream_id"] for row in books.records if row["upstream_id"])
    for name, count in times.items():
        if count > 1:
            yield f"the upstream's {name} is in the ledger {count} times"
    for row in books.records:
        name, cost = row["request_id"], row["cost_nanousd"]
        # Whoever left before the first byte leaves a record that never learnt the upstream's id.
        served = upstream.get(row["upstream_id"]) if row["upstream_id"] else by_request.get(name)
        if row["basis"] == "not_charged":
            if cost:
                yield f"{name} is not charged, and costs {cost}"
        elif served is None or (row["basis"] == "reported" and not row["upstream_id"]):
            yield f"{name} is booked as {row['basis']}, and the upstream knows nothing of it"
        elif row["basis"] == "reported":
            yield from _same_usage(row, served)
        elif row["completion_tokens"] > served["completion_tokens"] + ESTIMATE_SLACK_TOKENS:
            yield f"{name} is estimated at {row['completion_tokens']}, of {served['completion_tokens']} that were made"


def _same_usage(row: Row, served: Row) -> Iterator[str]:
    for part in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"):
        if row[part] != served[part]:
            yield f"{row['request_id']}: {part} {row[part]} in the ledger, {served[part]} upstream"
    if cost_nanousd(served, row) != row["cost_nanousd"]:
        yield f"{row['request_id']} costs {row['cost_nanousd']}, and should cost {cost_nanousd(served, row)}"


def cost_nanousd(served: Row, prices: Row) -> int:
    """What the upstream's usage costs, reckoned without the product's own code."""
    exact = (served["prompt_tokens"] - served["cached_tokens"]) * prices["input"]
    exact += served["cached_tokens"] * prices["cached"]
    exact += (served["completion_tokens"] - served["reasoning_tokens"]) * prices["output"]
    exact += served["reasoning_tokens"] * prices["reasoning"]
    return -(-exact // MILLION)


def orphaned(books: Books) -> list[Row]:
    """What the upstream served and the ledger does not have."""
    booked = {row["upstream_id"] for row in books.records}
    nameless = {row["request_id"] for row in books.records if not row["upstream_id"]}
    served = [row for row in books.upstream if row["outcome"] != "unread"]
    return [row for row in served if row["id"] not in booked and row["request_id"] not in nameless]


def unexplained(orphans: Sequence[Row], calls: Sequence[Call], deeds: Sequence[Deed]) -> Iterator[str]:
    """An orphan is explained by a killed web worker that had it in flight; each kill explains no more than it had."""
    kills = [deed for deed in deeds if deed.what == "kill-web"]
    gone = {call.request_id for call in calls if call.outcome == "left"}
    for row in orphans:
        if not any(_in_flight(row, kill, gone) for kill in kills):
            yield f"{row['request_id']} was served upstream, is not in the ledger, and was in flight at no kill"
    served = Counter(row["request_id"] for row in orphans)
    for name, count in served.items():
        if count > 1:
            yield f"{name} was served upstream {count} times, and is not in the ledger"


def _in_flight(row: Row, kill: Deed, gone: set[str]) -> bool:
    if row["request_id"] in {call.request_id for call in kill.victims}:
        return True
    # A client that left has no connection to know its worker by; its request was running all the same.
    return row["request_id"] in gone and row["started"] <= kill.at <= row["ended"] + SETTLE_S


def refusals(calls: Sequence[Call], deeds: Sequence[Deed]) -> Iterator[str]:
    """An outage is a 503 with Retry-After and nothing else; a connection breaks only where its worker was killed."""
    victims = {call.request_id for deed in deeds for call in deed.victims}
    for call in calls:
        if call.outcome == "refused" and not _proper(call):
            yield f"{call.request_id} was refused with {call.status} {call.code}, Retry-After {call.retry_after!r}"
        elif call.outcome == "broken" and call.request_id not in victims:
            yield f"{call.request_id}: the connection broke ({call.code}), and its worker was not killed"
        elif call.outcome == "running":
            yield f"{call.request_id} never ended"


def _proper(call: Call) -> bool:
    wanted = REFUSALS.get(call.status)
    return wanted is not None and bool(call.retry_after) and wanted in ("", call.code)


def borne_nanousd(books: Books) -> int:
    """What the orphans cost the house."""
    return sum(cost_nanousd(row, books.prices[row["prefix"], row["model"]]) for row in orphaned(books))
