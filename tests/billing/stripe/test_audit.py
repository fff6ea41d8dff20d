"""The audit finds what would be wrong between payments and the ledger."""

from uuid import uuid4

import psycopg
import pytest

ENSURE = "INSERT INTO billing_payment ({}) VALUES ({})"


@pytest.fixture
def payment(own_books) -> dict:
    """A paid payment of 5 USD with fee and tax, booked as it should be."""
    account = own_books.account()
    workspace = own_books.sql("SELECT workspace_id FROM billing_creditaccount WHERE id = %s", (account,))[0][0]
    values = {"id": uuid4(), "workspace_id": workspace, "amount_cents": 500, "amount_nanousd": 5 * 10**9}
    values |= {"status": "paid", "credited_nanousd": 5 * 10**9, "payment_intent_id": f"pi_{uuid4().hex}"}
    values |= {"idempotency_key": uuid4(), "paid_at": "now", "fee_cents": 30, "tax_cents": 101, "total_cents": 631}
    own_books.sql(ENSURE.format(", ".join(values), ", ".join(["%s"] * len(values))), list(values.values()))
    own_books.plant(
        "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key, reference) "
        f"VALUES (2, {account}, {5 * 10**9}, 'top_up', 'stripe:{values['payment_intent_id']}', "
        f"'payment:{values['id']}')",
        *[
            "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key, "
            "reference) SELECT c.id, h.id, {}, '{}', '{}', '{}' FROM billing_creditaccount c, billing_creditaccount h "
            "WHERE c.house = 'stripe_clearing' AND h.house = '{}'".format(
                cents * 10**7, kind, f"stripe:{values['payment_intent_id']}:{part}", f"payment:{values['id']}", house
            )
            for cents, kind, part, house in (
                (30, "top_up_fee", "fee", "revenue"),
                (101, "tax", "tax", "tax_payable"),
            )
        ],
        f"UPDATE billing_creditaccount SET posted = {5 * 10**9}, paid_in = {5 * 10**9} WHERE id = {account}",
    )
    return values | {"account": account}


def checks(own_books, django_db_blocker) -> list[str]:
    with django_db_blocker.unblock():
        return sorted({fault.check for fault in own_books.audit()})


REFUND = (
    "INSERT INTO billing_refund (id, payment_id, origin, status, amount_cents, credit_nanousd) "
    "SELECT '00000000-0000-7000-8000-00000000000{}', id, 'stripe', '{}', {}, {} FROM billing_payment"
)
DISPUTE = (
    "INSERT INTO billing_dispute (id, payment_id, status, amount_cents, held_credit_nanousd) "
    "SELECT 'du_1', id, 'lost', 500, {} FROM billing_payment"
)
BACK = (
    "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key, reference) "
    "SELECT id, (SELECT id FROM billing_creditaccount WHERE house = '{0}'), {1}, '{2}', '{4}:{3}:credit', '{4}' "
    "FROM billing_creditaccount WHERE posted = 5000000000"
)
BLANK = "UPDATE billing_transfer SET reference"
REFUND_1 = "refund:00000000-0000-7000-8000-000000000001"
NO_ROW = "a refund's or dispute's transfer belongs to no row"
NO_REFUND, NO_DISPUTE = (f"a {what} is not in the ledger as its row says" for what in ("refund", "dispute"))
TOO_MUCH = "a payment was taken back more than it gave"
LEDGER, PARTS = "a paid payment is not in the ledger", "a paid payment's parts are not its total"
PLANTS = [
    ([], []),
    (["DELETE FROM billing_transfer"], [LEDGER, PARTS]),
    (["UPDATE billing_transfer SET amount = amount + 1 WHERE kind = 'top_up'"], [LEDGER]),
    (["UPDATE billing_transfer SET reference = 'payment:other'"], [LEDGER]),
    (["DELETE FROM billing_transfer WHERE kind = 'top_up_fee'"], [PARTS]),
    (["UPDATE billing_transfer SET amount = amount + 1 WHERE kind = 'tax'"], [PARTS]),
    (["UPDATE billing_payment SET total_cents = total_cents + 1"], [PARTS]),
    (["UPDATE billing_payment SET total_cents = NULL"], [PARTS]),
    (["UPDATE billing_payment SET fee_cents = 0, total_cents = total_cents - 30"], [PARTS]),
    (
        [
            "UPDATE billing_transfer SET idempotency_key = 'stripe:pi_other:fee' WHERE kind = 'top_up_fee'",
            "UPDATE billing_payment SET fee_cents = 0, total_cents = total_cents - 30",
        ],
        ["a top-up belongs to no paid payment"],
    ),
    (
        ["UPDATE billing_payment SET paid_at = now() - interval '2 hours'"],
        ["a payment was paid an hour ago and has no receipt"],
    ),
    (
        [
            "INSERT INTO billing_receipt (number, payment_id, details) "
            "SELECT 'R-2026-00000' || n, gen_random_uuid(), '{}' FROM unnest(ARRAY[1, 3]) n"
        ],
        ["receipts are not numbered one by one"],
    ),
    (
        [
            "INSERT INTO billing_creditnote (number, refund_id, details) "
            "SELECT 'C-2026-00000' || n, gen_random_uuid(), '{}' FROM unnest(ARRAY[1, 3]) n"
        ],
        ["credit notes are not numbered one by one"],
    ),
    (
        [
            REFUND.format(1, "succeeded", 100, 10**9),
            BACK.format("refunds", 10**9, "refund", 1, REFUND_1),
            "UPDATE billing_refund SET ended_at = now()",
        ],
        ["a refund is final and has no credit note"],
    ),
    (
        ["UPDATE billing_payment SET status = 'open', credited_nanousd = NULL, paid_at = NULL"],
        ["a top-up belongs to no paid payment"],
    ),
    (
        ["UPDATE billing_payment SET payment_intent_id = 'pi_other'"],
        [LEDGER, PARTS, "a top-up belongs to no paid payment"],
    ),
    ([REFUND.format(1, "succeeded", 100, 10**9)], [NO_REFUND]),
    ([REFUND.format(1, "failed", 100, 10**9)], []),
    ([REFUND.format(1, "pending", 100, 10**9), BACK.format("refunds", 10**9, "refund", 1, REFUND_1)], []),
    ([REFUND.format(1, "failed", 100, 10**9), BACK.format("refunds", 10**9, "refund", 1, REFUND_1)], [NO_REFUND]),
    ([REFUND.format(1, "asked", 100, 10**9), BACK.format("refunds", 10**9 + 1, "refund", 1, REFUND_1)], [NO_REFUND]),
    ([BACK.format("refunds", 10**9, "refund", 1, REFUND_1)], [NO_ROW]),
    ([BACK.format("disputes", 10**9, "dispute", 1, "dispute:du_1")], [NO_ROW]),
    ([BACK.format("disputes", 10**9, "dispute", 1, "dispute:du_1"), f"{BLANK} = '' WHERE kind = 'dispute'"], [NO_ROW]),
    (
        [
            REFUND.format(1, "asked", 100, 10**9),
            BACK.format("refunds", 10**9, "refund", 1, REFUND_1),
            "UPDATE billing_transfer SET idempotency_key = 'other' WHERE kind = 'refund'",
        ],
        [NO_ROW],
    ),
    ([DISPUTE.format(5 * 10**9)], [NO_DISPUTE]),
    ([DISPUTE.format(5 * 10**9), BACK.format("disputes", 5 * 10**9, "dispute", 1, "dispute:du_1")], []),
    ([DISPUTE.format(0), BACK.format("disputes", 5 * 10**9, "dispute", 1, "dispute:du_1")], [NO_DISPUTE]),
    (
        [REFUND.format(1, "asked", 501, 501 * 10**7), BACK.format("refunds", 501 * 10**7, "refund", 1, REFUND_1)],
        [TOO_MUCH],
    ),
    (
        [
            REFUND.format(1, "succeeded", 1, 10**7),
            BACK.format("refunds", 10**7, "refund", 1, REFUND_1),
            DISPUTE.format(5 * 10**9),
            BACK.format("disputes", 5 * 10**9, "dispute", 2, "dispute:du_1"),
        ],
        [TOO_MUCH],
    ),
]


@pytest.mark.parametrize(("statements", "found"), PLANTS, ids=str)
def test_what_is_planted_is_found(own_books, payment, django_db_blocker, statements, found):
    own_books.plant(*statements)
    said = checks(own_books, django_db_blocker)
    assert [check for check in said if "the sum of" not in check] == found


@pytest.mark.parametrize(
    "change",
    [
        "status = 'gift'",
        "credited_nanousd = NULL",
        "credited_nanousd = 0",
        "payment_intent_id = NULL",
        "paid_at = NULL",
        "status = 'open'",
        "amount_cents = 600",
        "amount_cents = -500, amount_nanousd = -5000000000",
    ],
)
def test_the_database_refuses_payments_that_make_no_sense(own_books, payment, change):
    with pytest.raises(psycopg.errors.CheckViolation):
        own_books.sql(f"UPDATE billing_payment SET {change}", url=own_books.url)
