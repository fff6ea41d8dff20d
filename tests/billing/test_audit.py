"""Promise 2: the audit proves the books; and it proves itself: every fault that is planted is named."""

import os
import time
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from psycopg.types.json import Jsonb

from billing.audit import CHECKS, ROWS_MAX, SPOOL_AGE_MAX_S
from billing.rollups import rollups_add
from billing.spool import SpoolFile
from tests.billing.books import djangos_own
from tests.billing.parts import record
from tests.billing.stripe.test_audit import PLANTS
from tests.billing.stripe.test_mirror_audit import MIRROR_PLANTS
from xroute.lib.ids import new_id

PERIOD = "2026-01-01"
OTHER = "00000000-0000-7000-8000-000000000001"
RECORD = (
    "INSERT INTO billing_usagerecord SELECT {at}, id, batch_id, worker_id, workspace_id, account_id, key_id, "
    "period_start, request_id, upstream_id, model, provider, endpoint_id, price_id, streamed, cancelled, late, basis, "
    "reason, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, "
    "cost_nanousd, house_nanousd, held_nanousd, latency_ms, first_byte_ms, attempts FROM billing_usagerecord"
)
ACCOUNT, KEY = "UPDATE billing_creditaccount SET", "UPDATE billing_keyperiod SET"
NOBODYS = "INSERT INTO billing_reservation (worker_id, account_id, amount, exposure) VALUES ('{worker}', 987654321,"
ADJUSTMENT = (
    "INSERT INTO billing_adjustment (id, workspace_id, kind, amount_nanousd, reason, created_by_id) SELECT '"
    + OTHER
    + "', workspace_id, '{}', {}, 'why', 1 FROM billing_creditaccount WHERE id = {{account}}"
)
BY_HAND = (
    "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, idempotency_key) "
    "VALUES ({0}, {{account}}, {1}, '{2}', 'adjustment:{3}', 'adjustment:{3}')"
)
# Check, what is planted, and what the audit must say of it.
FAULTS = [
    ("posted balance is not the sum of transfers", ACCOUNT + " posted = posted + 1", "{account}: posted 951"),
    ("posted balance is not the sum of transfers", "DELETE FROM billing_transfer WHERE kind = 'usage'", "{account}"),
    (
        "posted balance is not the sum of transfers",
        "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
        "VALUES (1, {account}, 7, 'deposit', 'x')",
        "{account}: posted 950, transfers 957",
    ),
    ("reserved is not the sum of reservations", ACCOUNT + " reserved = reserved - 1", "{account}: reserved 49"),
    ("reserved is not the sum of reservations", "DELETE FROM billing_reservation", "{account}: reserved 50"),
    ("reserved is not the sum of reservations", NOBODYS + " 5, 0)", "987654321"),
    ("exposed is not the sum of exposures", ACCOUNT + " exposed = exposed + 1", "{account}: exposed 1"),
    ("exposed is not the sum of exposures", "UPDATE billing_reservation SET exposure = 3", "reservations 3"),
    ("exposed is not the sum of exposures", NOBODYS + " 0, 5)", "987654321"),
    ("what was paid in is not the sum of its transfers", ACCOUNT + " paid_in = paid_in + 1", "{account}: paid in"),
    ("a reservation outlives its worker", "UPDATE billing_worker SET state = 'expired'", "{worker} (expired) holds 50"),
    ("a reservation outlives its worker", "UPDATE billing_worker SET state = 'closed'", "{worker} (closed)"),
    ("a reservation outlives its worker", "DELETE FROM billing_worker", "{worker} (unknown)"),
    (
        "a key's period does not hold what its reservations say",
        KEY + " reserved = reserved + 1",
        "{key} from " + PERIOD,
    ),
    ("a key's period does not hold what its reservations say", "DELETE FROM billing_keyreservation", "{key}"),
    ("a key's period does not hold what its reservations say", "DELETE FROM billing_keyperiod", "{key} from 2026"),
    ("a key's period does not hold what its records cost", KEY + " posted = posted - 1", "{key}"),
    ("a key's period does not hold what its records cost", KEY + " period_start = '2026-02-01'", "from 2026-02-01"),
    ("a key's period does not hold what its records cost", "DELETE FROM billing_keyperiod", "{key} from 2026"),
    (
        "a batch's records are not its transfers",
        "UPDATE billing_transfer SET amount = amount + 1 WHERE kind = 'usage'",
        "{batch} account {account}: records 50, transfer 51",
    ),
    ("a batch's records are not its transfers", "DELETE FROM billing_transfer WHERE kind = 'usage'", "{batch}"),
    ("a batch's records are not its transfers", "DELETE FROM billing_usagerecord", "{batch} account {account}"),
    (
        "a batch's records are not its transfers",
        "UPDATE billing_transfer SET batch_id = '" + OTHER + "' WHERE kind = 'usage'",
        OTHER,
    ),
    ("a batch does not hold the records it says", "UPDATE billing_meterbatch SET records = 3", "says 3 records"),
    ("a batch does not hold the records it says", "UPDATE billing_meterbatch SET cost_nanousd = 51", "and 51, has 2"),
    ("a batch does not hold the records it says", "DELETE FROM billing_usagerecord", "has 0 and 0"),
    ("a record belongs to no batch", "DELETE FROM billing_meterbatch", "batch {batch}"),
    ("a generation is booked twice", RECORD.format(at="created_at + interval '1 ms'"), "{record}: 2 records"),
    ("rollups are not the sum of rolled-up records", "UPDATE billing_usagerollup SET requests = 9", "{account}"),
    ("rollups are not the sum of rolled-up records", "UPDATE billing_usagerollup SET cost_nanousd = 9", "at 9"),
    ("rollups are not the sum of rolled-up records", "DELETE FROM billing_usagerollup", "records 2 at 50"),
    ("rollups are not the sum of rolled-up records", "UPDATE billing_meterbatch SET rolled_up = false", "rollups 2"),
    (
        "a mark of a balance is not the sum of transfers",
        "INSERT INTO billing_balancemark SELECT {account}, max(id), 949 FROM billing_transfer",
        "account {account}: 949 after transfer",
    ),
    (
        "a mark of a balance is not the sum of transfers",
        "INSERT INTO billing_balancemark SELECT {account}, max(id), 950 FROM billing_transfer;"
        "DELETE FROM billing_transfer WHERE kind = 'usage'",
        "account {account}: 950 after transfer",
    ),
    ("a key's total is not the sum of its rollups", "UPDATE billing_keytotal SET requests = 9", "key {key}: total 9"),
    ("a key's total is not the sum of its rollups", "UPDATE billing_keytotal SET cost_nanousd = 9", "at 9, rollups 2"),
    ("a key's total is not the sum of its rollups", "UPDATE billing_keytotal SET last_bucket = now()", "key {key}"),
    ("a key's total is not the sum of its rollups", "DELETE FROM billing_keytotal", "rollups 2 at 50"),
    ("a key's total is not the sum of its rollups", "DELETE FROM billing_usagerollup", "key {key}: total 2"),
    (
        "an adjustment is not in the ledger as it says",
        ADJUSTMENT.format("write_off", 5),
        "write_off of 5, transferred 0",
    ),
    (
        "an adjustment is not in the ledger as it says",
        ADJUSTMENT.format("correction", -5) + "; " + BY_HAND.format(6, 5, "correction", OTHER),
        "correction of -5, transferred 0",
    ),
    (
        "an adjustment is not in the ledger as it says",
        ADJUSTMENT.format("correction", 6) + "; " + BY_HAND.format(6, 7, "correction", OTHER),
        "correction of 6, transferred 7",
    ),
    (
        "a movement by hand belongs to no adjustment",
        BY_HAND.format(6, 5, "correction", OTHER),
        "adjustment:" + OTHER + " of 5",
    ),
    *[
        (
            "a house account is not the sum of its rows and lines",
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) "
            "SELECT {account}, id, 7, 'refund', 'x' FROM billing_creditaccount WHERE house = '" + house + "'",
            house + ": transfers 7, rows and lines 0",
        )
        for house in ("refunds", "disputes", "tax_payable")
    ],
    ("records stand in the default partition", RECORD.format(at="'2001-01-01'"), "{record} of 2001-01-01"),
    (
        "credit that ended is not its transfer",
        "INSERT INTO billing_expiringcredit (transfer_id, account_id, amount_nanousd, expires_at, taken_nanousd, "
        "ended_at) SELECT id, {account}, amount, now(), 5, now() FROM billing_transfer WHERE kind = 'deposit'",
        "took 5, transferred",
    ),
    (
        "credit that ended is not its transfer",
        "INSERT INTO billing_expiringcredit (transfer_id, account_id, amount_nanousd, expires_at) "
        "SELECT id, {account}, amount + 1, now() FROM billing_transfer WHERE kind = 'deposit'",
        "credit of transfer",
    ),
    (
        "a code's uses are not its credits",
        "INSERT INTO billing_promotioncode (code, amount_nanousd, uses) VALUES ('ABC', 5, 1)",
        "code ABC: uses 1, recorded 0, credited 0",
    ),
    (
        "usage was rejected and is not settled",
        "INSERT INTO billing_rejectedusage (id, batch_id, payload, error) VALUES ('" + OTHER + "', '{batch}', "
        "'{{}}', '23503: why')",
        OTHER + ": 23503: why",
    ),
]


@pytest.fixture
def kept(own_books, django_db_blocker):
    """Clean books with something of everything, and the names of it."""
    books = own_books
    account = books.account(1000)
    key, worker, batch = books.key(account, limit=500), books.worker(), uuid4()
    ask = {"i": 0, "account": account, "full": 100, "floor": 100, "spare": 0, "have": 0, "key": key, "period": PERIOD}
    ask |= {"key_full": 100, "key_floor": 100, "key_have": 0}
    books.sql("SELECT xr_hold(%s, 1, 0, %s)", (worker, Jsonb([ask])))
    rows = [record(account, cost, key_id=key) for cost in (20, 30)]
    lines = [row.as_json(held=row.cost, key_held=row.cost) | {"period": PERIOD} for row in rows]
    books.sql("SELECT xr_meter_commit(%s, %s, %s)", (batch, worker, Jsonb(lines)))
    with django_db_blocker.unblock():
        with djangos_own(books):
            rollups_add()
        yield books, {"account": account, "key": key, "worker": worker, "batch": batch, "record": rows[0].id}


def test_clean_books_have_no_fault(kept):
    books, _ = kept
    assert books.audit() == []


def test_empty_books_have_no_fault(own_books, django_db_blocker):
    with django_db_blocker.unblock():
        assert own_books.audit() == []


def test_a_fault_is_planted_for_every_check():
    of_payments = {check for _, found in (*PLANTS, *MIRROR_PLANTS) for check in found}
    assert {check for check, _, _ in FAULTS} | of_payments == set(CHECKS)


@pytest.mark.parametrize(("check", "statement", "says"), FAULTS)
def test_a_planted_fault_is_named(kept, check, statement, says):
    books, names = kept
    where = " WHERE house IS NULL" if statement.startswith(ACCOUNT) else ""
    books.plant(statement.format(**names) + where)
    details = [fault.detail for fault in books.audit() if fault.check == check]
    assert any(says.format(**names) in detail for detail in details), details


def test_settled_rejections_are_no_fault(kept):
    books, names = kept
    query = (
        "INSERT INTO billing_rejectedusage (id, batch_id, payload, error, settled_at) VALUES (%s, %s, '{}', 'x', now())"
    )
    books.sql(query, (new_id(), names["batch"]))
    assert books.audit() == []


def test_a_spool_that_waits_longer_than_a_minute_is_named(kept, tmp_path):
    books, _ = kept
    file = SpoolFile.create(tmp_path, uuid4())
    old = time.time() - SPOOL_AGE_MAX_S - 5
    os.utime(file.path, (old, old))
    assert books.audit(tmp_path) == []
    file.append(b"{}")
    assert books.audit(tmp_path) == []
    os.utime(file.path, (old, old))
    (fault,) = books.audit(tmp_path)
    assert (fault.check, file.path.name in fault.detail) == ("a spool file is older than a minute", True)
    file.close()


def test_a_damaged_spool_is_named_until_it_is_gone(kept, tmp_path):
    books, _ = kept
    (tmp_path / "some.damaged").write_bytes(b"x")
    assert [str(fault) for fault in books.audit(tmp_path)] == ["a spool file was damaged: some.damaged"]


def test_a_flood_of_faults_is_cut(kept):
    books, _ = kept
    for _ in range(ROWS_MAX + 5):
        books.account(1)
    books.plant("UPDATE billing_creditaccount SET posted = posted + 1 WHERE house IS NULL")
    assert len(books.audit()) == ROWS_MAX


def test_the_command_names_faults_and_exits_1(kept, settings, tmp_path):
    books, names = kept
    settings.XROUTE_SPOOL_DIR = tmp_path
    with djangos_own(books):
        out = StringIO()
        call_command("audit_ledger", stdout=out)
        assert "The books are right" in out.getvalue()
        books.plant("UPDATE billing_creditaccount SET posted = posted + 1 WHERE house IS NULL")
        err = StringIO()
        with pytest.raises(SystemExit) as exited:
            call_command("audit_ledger", stdout=out, stderr=err)
    assert exited.value.code == 1
    assert f"account {names['account']}: posted 951, transfers 950" in err.getvalue()
    assert "1 faults." in err.getvalue()
