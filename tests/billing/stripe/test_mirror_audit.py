"""The audit finds a line of Stripe that is marked booked and is not, and a transfer whose line is not there."""

import pytest

LINE = "a booked line of Stripe's is not what its transfers say"
NO_LINE = "a transfer says a line of Stripe's that is not booked"
ROW = (
    "INSERT INTO billing_stripebalancetransaction (id, type, currency, amount_cents, fee_cents, net_cents, status, "
    "created_at) VALUES ('txn_1', 'payout', 'usd', -100, 25, -125, 'booked', now())"
)
TRANSFER = (
    "INSERT INTO billing_transfer (debit_account_id, credit_account_id, amount, kind, idempotency_key) VALUES "
    "((SELECT id FROM billing_creditaccount WHERE house = '{}'), "
    "(SELECT id FROM billing_creditaccount WHERE house = 'stripe_clearing'), {}, '{}', '{}')"
)
BOOKED = [
    ROW,
    TRANSFER.format("bank", 100 * 10**7, "payout", "txn:txn_1"),
    TRANSFER.format("processing_fees", 25 * 10**7, "stripe_fee", "txn:txn_1:fee"),
]
CHANGE_LINE, CHANGE_TRANSFER = "UPDATE billing_stripebalancetransaction SET", "UPDATE billing_transfer SET"
MIRROR_PLANTS = [
    ([], []),
    ([f"{CHANGE_LINE} amount_cents = -101, net_cents = -126"], [LINE]),
    ([f"{CHANGE_LINE} fee_cents = 24, net_cents = -124"], [LINE]),
    (["DELETE FROM billing_transfer WHERE kind = 'payout'"], [LINE]),
    (["DELETE FROM billing_transfer WHERE kind = 'stripe_fee'"], [LINE]),
    ([f"{CHANGE_TRANSFER} amount = amount + 1 WHERE kind = 'payout'"], [LINE]),
    (
        [f"{CHANGE_TRANSFER} debit_account_id = credit_account_id, credit_account_id = debit_account_id"],
        [LINE],
    ),
    ([f"{CHANGE_LINE} type = 'charge'"], [LINE]),
    ([f"{CHANGE_LINE} status = 'waiting'"], [NO_LINE]),
    (["DELETE FROM billing_stripebalancetransaction"], [NO_LINE]),
    ([f"{CHANGE_LINE} id = 'txn_2'"], [LINE, NO_LINE]),
]


@pytest.mark.parametrize(("statements", "found"), MIRROR_PLANTS, ids=str)
def test_what_is_planted_is_found(own_books, django_db_blocker, statements, found):
    own_books.plant(*BOOKED, *statements)
    with django_db_blocker.unblock():
        assert sorted({fault.check for fault in own_books.audit()}) == found
