"""Plans at 300,000 analysed rows: pages read by index, look-ups touch one month, and rebuilt sums are identical."""

import re
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from billing import selectors
from billing.house import house_read
from billing.house_list import house_page
from billing.house_reasons import reason_named
from billing.marks import marks_add
from billing.rollups import rollups_add
from routing import measuring
from tests.billing.books import djangos_own, drop_books, make_books as fresh_books
from tests.scale import check, make, pages
from tests.servers import superuser_url
from xroute.lib import ids
from xroute.lib.progress import Progress

RECORDS, MONTHS = 300_000, 4
SEQUENTIAL = re.compile(r"Seq Scan on (billing_usagerecord\w*|billing_transfer|billing_usagerollup)")


SUMS = """
INSERT INTO routing_endpointquarter (quarter, endpoint_id, up, down, answers, first_byte_ms, tokens, token_ms)
SELECT date_bin('15 minutes', now(), '2000-01-01 00:00:00+00') - q * interval '15 minutes', e, 1, 0, 1, 1, 1, 1
  FROM generate_series(0, 2975) q, generate_series(1, 200) e;
INSERT INTO routing_endpointminute (minute, endpoint_id, up, down)
SELECT date_trunc('minute', now()) - m * interval '1 minute', e, 1, 0
  FROM generate_series(0, 119) m, generate_series(1, 200) e;
INSERT INTO routing_endpointspread (minute, endpoint_id, measure, step, answers)
SELECT date_trunc('minute', now()) - m * interval '1 minute', e, w, s, 1
  FROM generate_series(0, 119) m, generate_series(1, 200) e, generate_series(40, 50) s,
       unnest(ARRAY['latency', 'throughput']) w"""


@pytest.fixture(scope="module")
def scaled(django_db_blocker):
    """A database of 300,000 records, rolled up, marked and analysed."""
    books = fresh_books()
    superuser = superuser_url(books.name)
    bar = Progress("records", RECORDS, stream=sys.stderr, unit="records")
    make.make_books(superuser, books.owner_url, records=RECORDS, bar=bar, keys=10_000, months=MONTHS)
    with django_db_blocker.unblock(), djangos_own(books):
        while rollups_add():
            pass
        marks_add()
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
        yield books, superuser
    drop_books(books)


@pytest.fixture
def plans(scaled) -> dict[str, str]:
    """The plan of everything that the busiest workspace's pages read."""
    found = {}
    for name, call in pages.reads(pages.busiest()):
        asked = pages.timed(name, call, rounds=0).asked
        found[name] = "\n".join(pages.plan(sql, values, analyze=False) for sql, values in asked)
    return found


def months_filled() -> list[str]:
    """The months that have records: an empty partition is scanned, for that is nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT to_char(bucket AT TIME ZONE 'UTC', 'YYYY_MM') FROM billing_usagerollup")
        return [row[0] for row in cursor.fetchall()]


def test_no_page_scans_a_table_that_grows(plans):
    assert len(plans) > 30
    filled = {f"billing_usagerecord_{month}" for month in months_filled()} | {"billing_transfer", "billing_usagerollup"}
    # Whether a busy workspace was ever used is known after its first row, wherever that is found.
    offered = {name: text for name, text in plans.items() if name not in [*pages.LONG, "ever used"]}
    scanned = {name: filled & set(SEQUENTIAL.findall(text)) for name, text in offered.items()}
    assert {name: tables for name, tables in scanned.items() if tables} == {}


@pytest.mark.parametrize(
    ("read", "indexes"),
    [
        ("movements, newest", ["transfer_out", "transfer_in", "billing_balancemark_pkey"]),
        ("movements, oldest", ["transfer_out", "transfer_in", "billing_balancemark_pkey"]),
        ("movements but usage", ["transfer_out_other", "transfer_in"]),
        ("statements", ["transfer_out", "transfer_in", "billing_balancemark_pkey"]),
        ("statement of last month", ["transfer_out", "transfer_in", "billing_balancemark_pkey"]),
        ("statement of the first month", ["transfer_out", "transfer_in"]),
        ("movements of last month, the first page", ["transfer_out", "transfer_in"]),
        ("spend by key", ["billing_keytotal_pkey", "meter_batch_waiting"]),
        ("chart of 24h by model", ["usage_rollup_once", "meter_batch_waiting"]),
        ("today", ["usage_rollup_once", "meter_batch_waiting"]),
        ("generations of 7d", ["workspace_id_created_at_idx"]),
        ("generations of 30d, rare key", ["key_id_created_at_idx"]),
        ("GET /v1/key", ["billing_keytotal_pkey", "usage_rollup_key"]),
        ("GET /v1/keys", ["billing_keytotal_pkey", "usage_rollup_key"]),
        ("GET /v1/activity", ["usage_rollup_once", "meter_batch_waiting"]),
        ("GET /v1/credits", ["transfer_out_other", "transfer_in"]),
    ],
)
def test_a_page_reads_by_its_indexes(plans, read, indexes):
    missing = [name for name in indexes if not re.search(rf"{name}\b", plans[read])]
    assert missing == [], plans[read]


def test_a_statement_reads_its_month_and_not_the_history(scaled):
    """Rows of transfers that are read, of all that the busiest workspace has."""
    calls = dict(pages.reads(pages.busiest()))
    read = {}
    for name in ("statements", "statement of last month", "movements of last month, the first page"):
        asked = pages.timed(name, calls[name], rounds=0).asked
        found = "\n".join(pages.plan(sql, values) for sql, values in asked if "billing_transfer" in sql)
        scans = re.findall(r"on billing_transfer.*?actual time=\S+ rows=([0-9.]+) loops=(\d+)", found)
        read[name] = sum(float(rows) * int(loops) for rows, loops in scans), found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM billing_transfer WHERE debit_account_id = (SELECT id FROM billing_creditaccount "
            "WHERE workspace_id = %s)", [pages.busiest()],
        )  # fmt: skip
        every = cursor.fetchone()[0]
    assert every > 2000
    for name, (rows, found) in read.items():
        assert 0 < rows < every * 0.75, (name, rows, every, found)


def test_a_look_up_by_id_reads_one_month(scaled):
    books, _ = scaled
    ((name, workspace),) = books.sql("SELECT id, workspace_id FROM billing_usagerecord LIMIT 1")
    values = (ids.created_at(name), name, workspace)
    found = pages.plan(selectors.GENERATION, values, analyze=False)
    month = ids.created_at(name).astimezone(UTC)
    assert set(re.findall(r"billing_usagerecord_\d{4}_\d{2}", found)) == {f"billing_usagerecord_{month:%Y_%m}"}
    assert "Index Scan" in found


@pytest.fixture(scope="module")
def sums(scaled):
    """A month of 200 busy endpoints' quarters, two hours of their minutes and spreads."""
    _, superuser = scaled
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute(SUMS)
        conn.execute("ANALYZE routing_endpointquarter, routing_endpointminute, routing_endpointspread")


def test_endpoints_are_measured_from_a_batchs_records_alone(scaled, sums):
    with connection.cursor() as cursor:
        cursor.execute("SELECT batch_id FROM routing_batchtomeasure LIMIT 100")
        batches = [row[0] for row in cursor.fetchall()]
    assert len(batches) == 100
    values = {"batches": batches, "down": list(measuring.DOWN), "step": measuring.STEP, "kept": "31 days"}
    found = pages.plan(measuring.MEASURE, values, analyze=False)
    scanned = {f"billing_usagerecord_{month}" for month in months_filled()} & set(SEQUENTIAL.findall(found))
    assert scanned == set(), found
    assert "batch_id" in found


def test_figures_read_a_day_of_quarters_and_the_minutes_that_are_kept_and_no_record(scaled, sums):
    found = pages.plan(measuring.FIGURES, {"step": measuring.STEP}, analyze=False)
    assert "billing_usagerecord" not in found
    assert "Seq Scan on routing_endpointquarter" not in found, found
    assert measuring.figures_write() >= 0


def test_the_audit_proves_books_of_this_size(scaled):
    assert check.audit_all() == []


def test_rebuilt_sums_are_identical_to_those_made_as_batches_came(scaled):
    _, superuser = scaled
    check.keep_sums(superuser)
    done = check.rebuild()
    assert done.mended > RECORDS / 2
    assert check.different(superuser) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(requests) FROM billing_usagerollup")
        assert cursor.fetchone()[0] == pytest.approx(RECORDS, rel=0.1)


def test_the_data_is_of_the_shape_it_claims(scaled):
    books, _ = scaled
    ((workspaces, first, last),) = books.sql(
        "SELECT count(DISTINCT workspace_id), min(created_at), max(created_at) FROM billing_usagerecord"
    )
    assert workspaces == make.WORKSPACES
    assert last <= datetime.now(UTC)
    assert (last - first).days > 31 * (MONTHS - 2)


def test_the_house_reads_a_month_by_partial_indexes(scaled):
    """Neither the millions of transfers of usage nor the records that somebody paid for."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    span = {"since": now - timedelta(days=30), "until": now}
    reason = {name: reason_named(name) for name in ("grants", "call:empty")}
    reads = {
        "house": (lambda: house_read(**span), ["transfer_not_usage", "usage_rollup_time", "meter_batch_waiting"]),
        "transfers": (lambda: house_page(reason=reason["grants"], **span), ["transfer_not_usage"]),
        "calls": (lambda: house_page(reason=reason["call:empty"], **span), []),
    }
    filled = {f"billing_usagerecord_{month}" for month in months_filled()} | {"billing_transfer", "billing_usagerollup"}
    for name, (call, indexes) in reads.items():
        asked = pages.timed(name, call, rounds=0).asked
        text = "\n".join(pages.plan(sql, values, analyze=False) for sql, values in asked)
        assert filled & set(SEQUENTIAL.findall(text)) == set(), text
        assert [index for index in indexes if index not in text] == [], text
