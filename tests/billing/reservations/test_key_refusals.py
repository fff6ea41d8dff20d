"""What one statement says of several keys, and what the meter takes of a key, belongs to that key alone."""

from datetime import date

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.billing.parts import record
from xroute.lib.ids import new_id

PERIOD = "2026-01-01"


def asked(number: int, account: int, key: int, amount: int) -> dict:
    """An ask with a key."""
    keyed = {"key": key, "period": PERIOD, "key_full": amount, "key_floor": amount, "key_have": 0}
    return {"i": number, "account": account, "full": amount, "floor": amount, "spare": 0, "have": 0} | keyed


def test_a_refusal_for_what_others_hold_tells_nothing_of_another_key(books):
    """One statement serves many workspaces: what is left of one's key is no news for another."""
    one, other = books.account(100), books.account(10)
    books.sql("SELECT xr_hold(%s, 1, 0, %s)", (books.worker(), Jsonb([asked(0, other, books.key(other, 50), 10)])))
    items = [asked(0, one, books.key(one, 77), 1), asked(1, other, books.key(other, 50), 1)]
    ((answer,),) = books.sql("SELECT xr_hold(%s, 1, 0, %s)", (books.worker(), Jsonb(items)))
    assert (answer["results"][1]["refused"], answer["results"][1]["key_left"]) == ("held", None)


def test_settling_of_a_key_what_its_worker_does_not_hold_is_refused(books):
    account = books.account(100)
    key = books.key(account, 50)
    holder, other = books.worker(), books.worker()
    books.sql("SELECT xr_hold(%s, 1, 0, %s)", (holder, Jsonb([asked(0, account, key, 20)])))
    row = record(account, 7, key_id=key, period=date.fromisoformat(PERIOD)).as_json(held=0, key_held=7)
    with pytest.raises(psycopg.errors.CheckViolation, match="without a reservation of its key"):
        books.sql("SELECT xr_meter_commit(%s, %s, %s)", (new_id(), other, Jsonb([row])))
    assert (books.balance(account), books.period(key)) == ((100, 20, 0), (0, 20))
