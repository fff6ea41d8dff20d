"""What a hold operation must answer and do, in plain Python. Written from the rules, not from the SQL."""

from typing import Any

from tests.billing.machine.model import Books

UNLIMITED = 2**63 - 1
Item = dict[str, Any]


def hold(books: Books, worker: str, seq: int, limit: int, items: list[Item]) -> dict[str, Any]:
    """One operation: the same number never runs twice, and what goes back comes first."""
    found = books.workers[worker]
    if found.state != "live":
        return {"expired": True}
    if found.seq < seq:
        results = []
        for item in sorted(items, key=_order):
            results += _give(books, worker, item) if "full" not in item else [_take(books, worker, limit, item)]
        found.seq, found.answer = seq, results
    return {"results": found.answer}


def _order(item: Item) -> tuple[Any, ...]:
    """By account, those of a key alone last; then without a key first; what goes back before what is taken."""
    return (
        item.get("account") or UNLIMITED,
        item.get("key") or 0,
        item.get("period") or "",
        item.get("i", -1),
    )


def _give(books: Books, worker: str, item: Item) -> list[Item]:
    if "give_key" in item:
        if item["give_key"]:
            books.periods[item["key"], item["period"]][1] -= item["give_key"]
            books.key_holds[worker, item["key"], item["period"]] -= item["give_key"]
        return []
    account = books.accounts[item["account"]]
    account.reserved, account.exposed = account.reserved - item["give"], account.exposed - item["give_exposure"]
    if item["give"] or item["give_exposure"]:
        held = books.holds[worker, item["account"]]
        held[0], held[1] = held[0] - item["give"], held[1] - item["give_exposure"]
    return []


def _take(books: Books, worker: str, limit: int, item: Item) -> Item:
    account = books.accounts[item["account"]]
    take, expose, refused = _share(account, limit, item)
    key_take, key_left = 0, None
    if not refused and item.get("key"):
        key_take, key_left, refused = _key_share(books, item, expose)
    if refused:
        return {
            "i": item["i"],
            "refused": refused,
            "available": account.available,
            "posted": account.posted,
            "key_left": key_left,
        }
    account.reserved, account.exposed = account.reserved + take, account.exposed + expose
    held = books.holds.setdefault((worker, item["account"]), [0, 0])
    held[0], held[1] = held[0] + take, held[1] + expose
    if item.get("key"):
        name = (item["key"], item["period"])
        books.periods[name][1] += key_take
        books.key_holds[worker, *name] = books.key_holds.get((worker, *name), 0) + key_take
    return {"i": item["i"], "take": take, "expose": expose, "key_take": key_take}


def _share(account: Any, limit: int, item: Item) -> tuple[int, int, str]:
    """Of the account: all and an eighth of what is left as spare, or less with the rest exposed, or nothing."""
    if account.available >= item["full"]:
        return item["full"] + min(item["spare"], (account.available - item["full"]) // 8), 0, ""
    room = max(0, min(limit, account.paid_in // 10) - account.exposed)
    take = max(item["floor"], item["full"] - room)
    if account.available < take:
        return 0, 0, "credits" if account.posted < take + item["have"] else "held"
    return take, item["full"] - take, ""


def _key_share(books: Books, item: Item, expose: int) -> tuple[int, int, str]:
    """Of the key's period, what it may still spend there; it is made when it is first asked about."""
    posted, reserved = books.periods.setdefault((item["key"], item["period"]), [0, 0])
    limit = books.keys[item["key"]][1]
    left = (UNLIMITED if limit is None else limit) - posted - reserved
    if left >= item["key_full"]:
        return item["key_full"] + min(item["spare"], (left - item["key_full"]) // 8), left, ""
    least = item["key_floor"] if expose else item["key_full"]
    if left >= least:
        return least, left, ""
    return 0, left, "key_limit" if limit - posted < least + item["key_have"] else "held"
