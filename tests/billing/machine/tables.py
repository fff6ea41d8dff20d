"""The tables, read in the shape of the model."""

from typing import Any

import psycopg

from tests.billing.machine.model import Books
from tests.billing.machine.payments import CENT

READ = {
    "accounts": "SELECT id, ARRAY[posted, reserved, exposed, paid_in] FROM billing_creditaccount WHERE house IS NULL",
    "workers": "SELECT id::text, ARRAY[state, beat::text] FROM billing_worker",
    "holds": "SELECT ARRAY[worker_id::text, account_id::text], ARRAY[amount, exposure] FROM billing_reservation "
    "WHERE amount <> 0 OR exposure <> 0",
    "key_holds": "SELECT ARRAY[worker_id::text, key_id::text, period_start::text], amount FROM billing_keyreservation "
    "WHERE amount <> 0",
    "periods": "SELECT ARRAY[key_id::text, period_start::text], ARRAY[posted, reserved] FROM billing_keyperiod "
    "WHERE posted <> 0 OR reserved <> 0",
    "transfers": "SELECT idempotency_key, ARRAY[debit_account_id::text, credit_account_id::text, amount::text, kind] "
    "FROM billing_transfer",
    "batches": "SELECT id::text, ARRAY[records, cost_nanousd] FROM billing_meterbatch",
    "records": "SELECT id::text, ARRAY[account_id::text, cost_nanousd::text, held_nanousd::text, late::text] "
    "FROM billing_usagerecord",
    "payments": "SELECT id::text, ARRAY[status, credited_nanousd::text, total_cents::text] FROM billing_payment "
    "WHERE status = 'paid' UNION ALL SELECT id::text, ARRAY[status] FROM billing_payment WHERE status <> 'paid'",
    "refunds": "SELECT id::text, ARRAY[payment_id::text, status, amount_cents::text, credit_nanousd::text, "
    "fee_nanousd::text, tax_nanousd::text, coalesce(stripe_id, 'none')] FROM billing_refund",
    "disputes": "SELECT id, ARRAY[payment_id::text, status, amount_cents::text, held_credit_nanousd::text, "
    "held_fee_nanousd::text, held_tax_nanousd::text, moves::text] FROM billing_dispute",
}
# Rows of earlier examples; the order of foreign keys does not matter to a replica.
EMPTY = (
    "billing_transfer",
    "billing_usagerecord",
    "billing_meterbatch",
    "billing_usagerollup",
    "billing_keytotal",
    "billing_balancemark",
    "billing_rejectedusage",
    "billing_reservation",
    "billing_keyreservation",
    "billing_keyperiod",
    "billing_worker",
    "billing_receipt",
    "billing_refund",
    "billing_dispute",
    "billing_payment",
    "accounts_apikey",
)


def empty(conn: psycopg.Connection) -> None:
    """New books: as the superuser, without triggers and foreign keys."""
    conn.execute("SET session_replication_role = replica")
    for table in EMPTY:
        conn.execute(f"DELETE FROM {table}")
    conn.execute("DELETE FROM billing_creditaccount WHERE house IS NULL")
    conn.execute("DELETE FROM accounts_workspace")


def tables(conn: psycopg.Connection) -> dict[str, dict[Any, Any]]:
    """What the database holds."""
    return {name: {_plain(key): _plain(value) for key, value in conn.execute(sql)} for name, sql in READ.items()}


def expected(books: Books) -> dict[str, dict[Any, Any]]:
    """What the model says that it should hold."""
    accounts = {key: (a.posted, a.reserved, a.exposed, a.paid_in) for key, a in books.accounts.items()}
    return {
        "accounts": accounts,
        "workers": {key: (found.state, str(found.beat)) for key, found in books.workers.items()},
        "holds": {_text(key): tuple(value) for key, value in books.holds.items() if any(value)},
        "key_holds": {_text(key): value for key, value in books.key_holds.items() if value},
        "periods": {_text(key): tuple(value) for key, value in books.periods.items() if any(value)},
        "transfers": {key: _text(value) for key, value in books.transfers.items()},
        "batches": books.batches,
        "records": {key: _text(value) for key, value in books.records.items()},
        "payments": {key: _payment(found) for key, found in books.payments.items()},
        "refunds": {
            key: _text((name, row.status, row.cents, *row.parts, str(row.stripe_id).lower()))
            for name, found in books.payments.items()
            for key, row in found.refunds.items()
        },
        "disputes": {
            key: _text((name, row.status, row.cents, *row.held, row.moves))
            for name, found in books.payments.items()
            for key, row in found.disputes.items()
        },
    }


def _payment(found: Any) -> tuple[str, ...]:
    paid = (found.whole[0], sum(found.whole) // CENT) if found.status == "paid" else ()
    return _text((found.status, *paid))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _text(values: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
