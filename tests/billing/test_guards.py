"""The guard stands in the statement that is sent: every write of balances, periods and holds is listed with its own.

A write that is new or changed fails here until it is listed: look then whether two that come at once are both right.
"""

import re
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

import billing
from billing import ledger
from billing.meter import REJECT
from billing.models import Payment, PaymentStatus, TransferKind
from billing.models.ledger import House
from billing.parts import NANOUSD_PER_CENT
from billing.reservations.lease import RENEW
from billing.stripe.checkout import _note
from billing.stripe.settle import session_apply
from tests.billing.stripe.test_orders import OPEN

TABLES = "creditaccount|keyperiod|reservation|keyreservation"
WRITE = re.compile(rf"(?:UPDATE|DELETE FROM)\s+billing_(?:{TABLES})\b[^;]*?(?=;|\"|\bRETURNING\b|$)", re.S)
FUNCTIONS = ("xr_hold", "xr_end_worker", "xr_meter_commit")
# (where, the write begins with): what in it, or what that follows it, keeps two that come at once apart. Locked rows
# and CHECK constraints guard what has no condition of its own: those are proved by the races beside this file.
GUARDED = {
    ("xr_hold", "UPDATE billing_creditaccount SET reserved = reserved + take"): "AND posted - reserved >= take",
    ("xr_hold", "UPDATE billing_keyperiod p SET reserved = p.reserved + key_take"): (
        "p.posted + p.reserved + key_take <= l.limit_nanousd"
    ),
    ("xr_hold", "UPDATE billing_creditaccount SET reserved = reserved - item.give"): "WHERE id = item.account",
    ("xr_hold", "UPDATE billing_reservation SET amount = amount - item.give"): "worker_id = p_worker AND account_id",
    ("xr_hold", "DELETE FROM billing_reservation"): "AND amount = 0 AND exposure = 0",
    ("xr_hold", "UPDATE billing_keyperiod SET reserved = reserved - item.give_key"): "period_start = item.period",
    ("xr_hold", "UPDATE billing_keyreservation SET amount = amount - item.give_key"): "worker_id = p_worker AND key_id",
    ("xr_hold", "DELETE FROM billing_keyreservation"): "AND amount = 0",
    ("xr_end_worker", "UPDATE billing_creditaccount c SET reserved = c.reserved - r.amount"): "r.worker_id = p_worker",
    ("xr_end_worker", "UPDATE billing_keyperiod p SET reserved = p.reserved - r.amount"): "r.worker_id = p_worker",
    ("xr_end_worker", "DELETE FROM billing_reservation"): "worker_id = p_worker",
    ("xr_end_worker", "DELETE FROM billing_keyreservation"): "worker_id = p_worker",
    (
        "xr_meter_commit",
        "UPDATE billing_creditaccount c SET posted = c.posted - s.cost",
    ): "CASE WHEN live THEN sum(held)",
    (
        "xr_meter_commit",
        "UPDATE billing_keyperiod p SET posted = p.posted + s.cost",
    ): "CASE WHEN live THEN sum(key_held)",
    ("xr_meter_commit", "UPDATE billing_reservation r SET amount = r.amount - h.held"): "r.worker_id = p_worker",
    ("xr_meter_commit", "UPDATE billing_keyreservation r SET amount = r.amount - h.held"): "r.worker_id = p_worker",
    ("ledger.py", "UPDATE billing_creditaccount SET posted = posted + %s"): (
        "house IS NULL AND (NOT %s OR %s >= 0 OR posted - reserved >= -%s)"
    ),
}
# What else stands once in a function: the order of things that makes a repeat or a dead worker do nothing.
ALSO = {
    "xr_hold": ["FOR NO KEY UPDATE", "w.op_seq >= p_seq", "w.state <> 'live'", "ON CONFLICT (worker_id, account_id)"],
    "xr_end_worker": ["state = 'live' AND (p_beat IS NULL OR beat = p_beat) FOR UPDATE SKIP LOCKED"],
    "xr_meter_commit": [
        "WHERE id = p_worker FOR KEY SHARE",
        "ON CONFLICT (id) DO NOTHING; IF NOT FOUND THEN RETURN 'duplicate'",
        "RAISE EXCEPTION 'settled without a reservation'",
        "RAISE EXCEPTION 'settled without a reservation of its key'",
    ],
}


def plain(text: str) -> str:
    """On one line, without comments."""
    return " ".join(re.sub(r"--[^\n]*", "", text).split())


@pytest.fixture
def sources(books) -> dict[str, str]:
    """The functions as the database runs them, and the modules of billing."""
    read = "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE proname  ~ '^xr_'"
    found = {name: plain(source) for name, source in books.sql(read)}
    folder = Path(billing.__file__).parent
    for path in folder.rglob("*.py"):
        if "migrations" not in path.parts:
            joined = re.sub(r'"\s*\n\s*f?"', "", path.read_text())
            found[str(path.relative_to(folder))] = plain(joined)
    return found


def writes(sources: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, match.group()) for name, source in sources.items() for match in WRITE.finditer(source)]


def test_every_write_of_balances_and_holds_is_listed_with_its_guard(sources):
    unlisted, seen = [], set()
    for where, statement in writes(sources):
        known = [key for key in GUARDED if key[0] == where and statement.startswith(key[1])]
        seen.update(known)
        if not known or not any(GUARDED[key] in statement for key in known):
            unlisted.append((where, statement))
    assert unlisted == []
    assert seen == set(GUARDED)


def test_no_write_goes_by_the_models(sources):
    """`save` and `update` of these models would write what was read a moment before."""
    models = "CreditAccount|KeyPeriod|Reservation|KeyReservation|Transfer"
    chain = r"\.objects(?:\.\w+\((?:[^()]|\([^()]*\))*\))*?\.(?:update|create|bulk_\w+|get_or_create|delete)\("
    by_model = re.compile(rf"\b(?:{models})(?:{chain}|\(\s*\w+=)")
    found = [
        name
        for name, text in sources.items()
        if not name.startswith(("xr_", "models/", "admin")) and by_model.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_makes_a_repeat_harmless_stands_in_the_function(sources, function):
    for guard in ALSO[function]:
        assert guard in sources[function], guard


def sent(capture: CaptureQueriesContext, start: str) -> list[str]:
    return [plain(query["sql"]) for query in capture.captured_queries if plain(query["sql"]).startswith(start)]


@pytest.mark.parametrize("credit", [True, False], ids=["credit", "debit"])
def test_transfers_and_debits_are_sent_with_their_guards(broke, django_db_blocker, credit):
    values = {"account_id": broke.account_id, "amount_nanousd": 7, "idempotency_key": f"guard:{broke.account_id}"}
    with django_db_blocker.unblock(), CaptureQueriesContext(connection) as capture:
        if credit:
            ledger.credit_add(source=House.BANK, kind=TransferKind.DEPOSIT, **values)
        else:
            with pytest.raises(ledger.InsufficientCredits):
                ledger.credit_take(target=House.REFUNDS, kind=TransferKind.REFUND, **values)
    (insert,) = sent(capture, "INSERT INTO billing_transfer")
    (update,) = sent(capture, "UPDATE billing_creditaccount")
    assert "ON CONFLICT (idempotency_key) DO NOTHING" in insert
    assert "house IS NULL AND (" in update
    assert "posted - reserved >= -" in update


def test_what_stripe_brings_is_sent_with_its_guards(broke, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        values = {"workspace_id": broke.workspace_id, "amount_cents": 500, "amount_nanousd": 500 * NANOUSD_PER_CENT}
        payment = Payment.objects.create(idempotency_key=uuid4(), **values)
        with CaptureQueriesContext(connection) as capture:
            _note(payment, session_id=f"cs_{payment.pk}", error="")
            paid = replace(OPEN, id=payment.session_id, intent_id=f"pi_{payment.pk}", payment_status="paid")
            session_apply(paid)
        transaction.set_rollback(True)
    note, _ = sent(capture, 'UPDATE "billing_payment"')
    assert '"session_id" IS NULL' in note
    assert f"\"status\" = '{PaymentStatus.OPEN}'" in note
    assert any(query.endswith("FOR UPDATE") for query in sent(capture, 'SELECT "billing_payment"'))
    (insert,) = sent(capture, "INSERT INTO billing_transfer")
    assert "ON CONFLICT (idempotency_key) DO NOTHING" in insert


def test_the_rest_is_sent_with_its_guards():
    assert "WHERE id = %s AND state = 'live'" in RENEW
    assert "ON CONFLICT (id) DO NOTHING" in REJECT
