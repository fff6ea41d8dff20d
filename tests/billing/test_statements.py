"""Statements say what the ledger says: opening + movements = closing, for every month, to the nano-USD."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pypdf
import pytest
from hypothesis import given, settings as examples, strategies as st

from accounts.models import Workspace
from billing.adjustments import adjustment_make
from billing.given import given_words
from billing.history import movements_page, movements_worded
from billing.models import PromotionCode, Transfer
from billing.papers.months import Month, month_of, months_between
from billing.papers.statement_csv import statement_csv
from billing.papers.statement_pdf import statement_pdf
from billing.papers.statements import month_known, months, statement
from billing.promotions import code_redeem
from tests.billing.committing import account_of, someone
from tests.cast import USD
from tests.servers import superuser_url
from xroute.lib.ids import new_id

BEGAN = datetime(2025, 10, 20, tzinfo=UTC)
KINDS_IN, KINDS_OUT = ["top_up", "promotion", "deposit", "correction"], ["usage", "refund", "dispute", "expiry"]


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    with django_db_blocker.unblock():
        yield


def book(workspace: Workspace, rows) -> None:
    """Transfers at any time of the past, as the superuser: (moment, kind, signed amount, reference)."""
    account = account_of(workspace).pk
    with psycopg.connect(superuser_url(), autocommit=True) as conn, conn.cursor() as cursor:
        for at, kind, signed, reference in sorted(rows, key=lambda row: row[0]):  # ids follow time
            debit, credit = (1, account) if signed > 0 else (account, 6)
            cursor.execute(
                "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, reference, "
                "idempotency_key, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (debit, credit, abs(signed), kind, reference, str(uuid4()), at),
            )
        paid = sum(s for _, kind, s, _ in rows if kind in ("deposit", "top_up", "refund", "dispute"))
        cursor.execute(
            "UPDATE billing_creditaccount SET posted = posted + %s, paid_in = paid_in + %s WHERE id = %s",
            (sum(row[2] for row in rows), paid, account),
        )


def place() -> Workspace:
    _, workspace = someone()
    Workspace.objects.filter(pk=workspace.pk).update(created_at=BEGAN)
    return Workspace.objects.get(pk=workspace.pk)


def lines(workspace, month) -> list[dict]:
    text = "".join(statement_csv(workspace=workspace, found=statement(workspace=workspace, month=month)))
    return list(csv.DictReader(io.StringIO(text)))


MOVE = st.tuples(
    st.integers(0, 400 * 86400),
    st.one_of(
        st.tuples(st.sampled_from(KINDS_IN), st.integers(1, 10**13)),
        st.tuples(st.sampled_from(KINDS_OUT), st.integers(-(10**13), -1)),
    ),
)
EDGES = st.sampled_from([(month.since - BEGAN).total_seconds() for month in (Month(2025, 11), Month(2026, 1))])


@examples(max_examples=30)
@given(moves=st.lists(MOVE, max_size=25), edges=st.lists(st.tuples(EDGES, st.sampled_from([-1e-6, 0.0])), max_size=4))
def test_opening_and_movements_make_closing_and_all_of_it_is_the_ledgers(moves, edges):
    workspace = place()
    rows = [(BEGAN + timedelta(seconds=after), kind, signed, "") for after, (kind, signed) in moves]
    rows += [(BEGAN + timedelta(seconds=edge + off), "usage", -7, "") for edge, off in edges]
    book(workspace, rows)
    listed = {row.month: row for row in months(workspace=workspace)}
    before = 0
    for month in reversed(months_between(month_of(BEGAN), month_of(datetime.now(UTC)))):
        found = statement(workspace=workspace, month=month)
        mine = [row for row in rows if month.since <= row[0] < month.until]
        assert found.opening == before
        assert found.opening + sum(row.amount for row in found.moved) == found.closing
        assert found.closing == sum(row[2] for row in rows if row[0] < month.until)
        for row in found.moved:
            same = [other[2] for other in mine if other[1] == row.kind and (other[2] > 0) == (row.amount > 0)]
            assert (row.count, row.amount) == (len(same), sum(same))
        assert sum(row.count for row in found.moved) == len(mine)
        assert (listed[month].closing, listed[month].came - listed[month].went) == (
            found.closing,
            found.closing - found.opening,
        )
        assert listed[month].came == sum(row[2] for row in mine if row[2] > 0)
        before = found.closing
    assert before == account_of(workspace).posted


def test_the_csv_has_every_movement_exactly_and_leads_from_balance_to_balance(monkeypatch):
    monkeypatch.setattr("billing.papers.statements.CSV_ROWS", 7)
    monkeypatch.setattr("billing.papers.statement_csv.LINES_A_CHUNK", 3)
    workspace, month = place(), Month(2025, 12)
    at = month.since + timedelta(days=3)
    rows = [(month.since - timedelta(days=3), "deposit", USD, "")]
    rows += [
        (at + timedelta(hours=n // 3), "usage" if n % 2 else "promotion", -1 if n % 2 else 10**9 + n, "")
        for n in range(30)
    ]
    book(workspace, rows)
    found = lines(workspace, month)
    assert (found[0]["kind"], found[-1]["kind"], len(found)) == ("opening_balance", "closing_balance", 32)
    balance = Decimal(found[0]["balance_usd"])
    assert balance == 1
    for row in found[1:-1]:
        assert len(row["amount_usd"].partition(".")[2]) == 9
        balance += Decimal(row["amount_usd"])
        assert Decimal(row["balance_usd"]) == balance
    assert Decimal(found[-1]["balance_usd"]) * USD == statement(workspace=workspace, month=month).closing
    ids = [int(row["id"]) for row in found[1:-1]]
    assert len(set(ids)) == 30 == Transfer.objects.filter(pk__in=ids).count()


@pytest.mark.parametrize("late_s", [0, 1, 59 * 60])
def test_a_transaction_that_took_long_is_in_the_month_it_began_in(late_s):
    """Its id is higher than those of others that began after it, and its time is lower."""
    workspace, month = place(), Month(2025, 12)
    turn, late = month.since, timedelta(seconds=late_s)
    for at, signed in ((turn + late, -3), (turn - timedelta(seconds=1), -5), (turn + late, -7)):
        book(workspace, [(at, "usage", signed, "")])
    before, found = (statement(workspace=workspace, month=one) for one in (Month(2025, 11), month))
    assert (before.booked, found.opening, found.booked) == (5, -5, 10)
    assert {row.month: row.went for row in months(workspace=workspace)}[month] == 10
    assert [line["amount_usd"][-1] for line in lines(workspace, month)[1:-1]] == ["3", "7"]


@pytest.mark.parametrize("word", ["=1+1", "+SUM(A1)", "-2", "@x", "\tx", "\r=1"])
def test_a_spreadsheet_takes_no_word_for_a_formula(word):
    workspace = place()
    book(workspace, [(BEGAN, "deposit", USD, word)])
    assert lines(workspace, month_of(BEGAN))[1]["reference"] == f"'{word}"


def test_only_months_of_the_workspaces_life_are_known():
    workspace = place()
    now = month_of(datetime.now(UTC))
    known = month_known(workspace=workspace, year=2025, month=10)
    assert known == Month(2025, 10)
    assert month_known(workspace=workspace, year=now.year, month=now.month) == now
    later = now.next()
    for year, month in ((2025, 9), (2025, 0), (2025, 13), (later.year, later.month), (0, 1), (10**6, 1)):
        assert month_known(workspace=workspace, year=year, month=month) is None
    assert statement(workspace=workspace, month=now).under_way
    assert not statement(workspace=workspace, month=known).under_way


def test_the_pdf_says_the_same_and_is_the_same_each_time():
    workspace, month = place(), Month(2026, 1)
    book(workspace, [(BEGAN, "deposit", 10 * USD, ""), (month.since, "usage", -3, "")])
    found = statement(workspace=workspace, month=month)
    made = statement_pdf(workspace=workspace, found=found)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages)
    for said in ("Statement January 2026", "10.00", "9.999999997", "Closing balance"):
        assert said in text
    assert statement_pdf(workspace=workspace, found=found) == made


def test_a_month_that_goes_on_says_so_and_is_dated_when_it_was_made():
    workspace = place()
    book(workspace, [(BEGAN, "deposit", 10 * USD, "")])
    before, month = datetime.now(UTC), month_of(datetime.now(UTC))
    found = statement(workspace=workspace, month=month)
    last = lines(workspace, month)[-1]
    if month_of(datetime.now(UTC)) == month:  # it has not ended meanwhile
        assert (last["kind"], last["what"], last["balance_usd"]) == ("balance_so_far", "Balance so far", "10.000000000")
        assert before <= found.as_of <= datetime.fromisoformat(last["time"]) <= datetime.now(UTC)
        made = pypdf.PdfReader(io.BytesIO(statement_pdf(workspace=workspace, found=found)))
        text = " ".join("".join(page.extract_text() for page in made.pages).split())
        for said in (f"Statement {month.words} so far", f"as of {found.as_of:%-d %B %Y, %H:%M} UTC", "Balance so far"):
            assert said in text
        assert made.metadata.creation_date == found.as_of.replace(microsecond=0)
    over = lines(workspace, Month(2025, 12))[-1]
    assert (over["kind"], over["time"]) == ("closing_balance", "2026-01-01T00:00:00+00:00")


def test_what_was_given_is_named_in_every_paper():
    person, workspace = someone()
    code = PromotionCode.objects.create(code=f"NAMED-{uuid4().hex[:8].upper()}", amount_nanousd=2 * USD)
    code_redeem(workspace=workspace, user=person, code=code.code)
    for kind, amount, reason in (("grant", 3, "for the outage"), ("correction", -1, "counted twice")):
        values = {"kind": kind, "amount_nanousd": amount * USD, "reason": reason}
        adjustment_make(id=new_id(), workspace=workspace, created_by=person, **values)
    expected = {
        f"Code {code.code}": 2 * USD,
        "Granted by the operator: for the outage": 3 * USD,
        "Corrected by the operator: counted twice": -USD,
    }
    month = month_of(Transfer.objects.filter(reference=f"promotion:{code.pk}").get().created_at)
    found = statement(workspace=workspace, month=month)
    assert {row.what: row.amount for row in found.moved} == expected
    assert {row["what"]: Decimal(row["amount_usd"]) * USD for row in lines(workspace, month)[1:-1]} == expected
    page = movements_worded(movements_page(workspace_id=workspace.pk).movements)
    assert {what: row.amount_nanousd for row, what in page} == expected
    made = pypdf.PdfReader(io.BytesIO(statement_pdf(workspace=workspace, found=found)))
    assert f"Code {code.code}" in made.pages[0].extract_text()


def test_names_are_two_statements_however_many(django_assert_num_queries):
    asked = (
        [f"promotion:{n}" for n in range(50)] + [f"adjustment:{uuid4()}" for _ in range(50)] + ["sign-up credit", "r"]
    )
    with django_assert_num_queries(2):
        assert given_words([*asked, "sign-up credit", "r"])["sign-up credit"] == "Sign-up credit"


def test_a_month_and_the_list_of_months_ask_few_questions(django_assert_num_queries):
    workspace = place()
    with django_assert_num_queries(6):  # the account, its places (two), movements, usage, names of keys
        statement(workspace=workspace, month=Month(2026, 1))
    with django_assert_num_queries(4):  # the account, its places (two), all months
        assert len(months(workspace=workspace)) >= 13
