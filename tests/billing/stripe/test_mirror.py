"""Stripe's balance is in our books, line by line, once, whatever comes late, twice, at once or breaks off."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from accounts.models import OutgoingMail
from accounts.services_operator import operator_make
from billing.models import (
    Dispute,
    Payment,
    Refund,
    StripeBalanceTransaction as Lines,
    StripeComparison,
    StripePlace,
    Transfer,
)
from billing.parts import NANOUSD_PER_CENT as CENT
from billing.stripe import compare, mirror
from billing.stripe.compare import stripe_compare
from billing.stripe.differences import differences_find
from billing.stripe.errors import StripeDown
from billing.stripe.mirror import clearing_nanousd, lines_mirror
from billing.stripe.settle import payment_check
from tests.billing.stripe.conftest import Till, at_once


def paid(alone: Till, cents: int = 2000, **more) -> Payment:
    return payment_check(payment=alone.paid(cents, **more))


def statuses() -> dict[str, int]:
    found: dict[str, int] = {}
    for status in Lines.objects.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def proved(alone: Till) -> None:
    """To the cent: Stripe's balance is ours and what is named."""
    found = stripe_compare()
    assert found is not None
    assert found.unexplained_cents == 0, found.differences
    assert found.stripe_cents == alone.emulator.balance()
    named = sum(row["cents"] for row in found.differences)
    assert found.stripe_cents * CENT == found.ours_nanousd + named * CENT


def test_every_kind_of_line_is_booked_and_the_balance_is_the_same_to_the_cent(alone):
    payment, slow = paid(alone), alone.paid(777, "000123456789", bank=True)
    alone.emulator.control(f"settle/{slow.session_id}", outcome="succeeded")
    payment_check(payment=slow)
    alone.emulator.control("payout", amount=1000)
    failed = alone.emulator.control("payout", amount=300)
    alone.emulator.control(f"payout_fail/{failed['id']}")
    alone.emulator.control("line", kind="stripe_fee", amount=-45)
    alone.emulator.control("line", kind="adjustment", amount=12)
    alone.emulator.control("line", kind="contribution", amount=-3, fee=-1)
    proved(alone)
    assert statuses() == {"booked": 8}
    assert clearing_nanousd() == alone.emulator.balance() * CENT
    assert StripeComparison.objects.get().differences == []
    kinds = Transfer.objects.filter(idempotency_key__startswith="txn:").values_list("kind", flat=True)
    assert set(kinds) == {"stripe_fee", "payout", "stripe_other"}
    assert Lines.objects.get(type="charge").payment == payment


def test_a_second_sweep_and_two_at_once_book_nothing_twice(alone):
    for _ in range(3):
        paid(alone)
    alone.emulator.control("payout", amount=1000)
    at_once(*[lambda: lines_mirror()] * 4)
    count = Transfer.objects.count()
    lines_mirror()
    assert (Transfer.objects.count(), statuses()) == (count, {"booked": 4})
    proved(alone)


def test_a_charge_waits_for_its_payment_and_is_named_until_then(alone):
    payment = alone.paid(2000)
    found = stripe_compare()
    (row,) = found.differences
    assert (row["cents"], row["alert"], found.unexplained_cents) == (2000 - 88, True, 0)
    assert str(payment.pk) in row["what"]
    payment_check(payment=payment)
    proved(alone)
    assert StripeComparison.objects.latest("pk").differences == []


def test_another_shop_and_other_currencies_are_named_and_not_booked(alone):
    paid(alone)
    alone.emulator.control("sale", amount=5000)
    alone.emulator.control("sale", amount=5000, currency="eur")
    alone.emulator.control("sale", amount=100, metadata={"payment": str(uuid4())})
    alone.emulator.control("sale", amount=100, metadata={"payment": "7"})
    before = alone.balance()
    proved(alone)
    assert statuses() == {"booked": 1, "foreign": 4}
    named = {row["key"]: row["cents"] for row in StripeComparison.objects.get().differences}
    assert named == {"foreign:eur": 0, "foreign:usd": 5000 - 175 + 2 * (100 - 33)}
    assert alone.balance() == before


def test_what_says_it_is_ours_credits_nothing(alone):
    """Metadata names a payment that was not paid: the line waits, whatever it says."""
    payment = alone.start()
    alone.emulator.control("sale", amount=2000, metadata={"payment": str(payment.pk)})
    proved(alone)
    assert (statuses(), alone.balance()) == ({"waiting": 1}, 0)
    other = paid(alone)
    alone.emulator.control("sale", amount=2000, metadata={"payment": str(other.pk)})
    proved(alone)
    assert statuses() == {"waiting": 2, "booked": 1}


def test_a_charge_of_another_amount_is_named(alone):
    payment = alone.paid(2000)
    charge = alone.emulator.charge(alone.emulator.session(payment.session_id)["payment_intent"]["id"])
    alone.emulator.control(f"objects/{charge['balance_transaction']['id']}", amount=1900, net=1812)
    payment_check(payment=payment)
    proved(alone)
    (row,) = StripeComparison.objects.get().differences
    assert row["cents"] == -188
    assert "took 1900 cents" in row["what"]


def test_a_payment_that_stripe_does_not_list_is_named(alone):
    payment = paid(alone)
    charge = alone.emulator.charge(payment.payment_intent_id)
    alone.emulator.control(f"objects/{charge['balance_transaction']['id']}", object="hidden")
    proved(alone)
    (row,) = StripeComparison.objects.get().differences
    assert (row["key"], row["cents"]) == (f"payment:{payment.pk}", -2000)


def test_reversals_wait_for_our_rows(alone):
    payment = paid(alone)
    account = alone.person.account_id
    refund = {"id": "re_1", "object": "refund", "payment_intent": payment.payment_intent_id}
    dispute = {"id": "du_1", "object": "dispute", "payment_intent": payment.payment_intent_id}
    foreign = {"id": "re_2", "object": "refund", "payment_intent": "pi_other"}
    for about in (refund, dispute, foreign):
        alone.emulator.control("objects", **about)
    alone.emulator.control("line", kind="refund", amount=-500, source="re_1")
    alone.emulator.control("line", kind="adjustment", amount=-300, fee=1500, source="du_1")
    alone.emulator.control("line", kind="refund", amount=-50, source="re_2")
    proved(alone)
    assert statuses() == {"booked": 1, "waiting": 2, "foreign": 1}
    refund = Refund.objects.create(
        payment=payment,
        origin="stripe",
        status="succeeded",
        amount_cents=500,
        credit_nanousd=500 * CENT,
        stripe_id="re_1",
    )
    Dispute.objects.create(
        id="du_1", payment=payment, status="needs_response", amount_cents=300, held_credit_nanousd=300 * CENT, moves=1
    )
    for key, house, cents, kind in (
        (f"refund:{refund.pk}:credit", "refunds", 500, "refund"),
        ("dispute:du_1:1:credit", "disputes", 300, "dispute"),
    ):
        mirror.ledger.credit_reverse(
            account_id=account,
            target=mirror.House(house),
            amount_nanousd=cents * CENT,
            kind=mirror.TransferKind(kind),
            idempotency_key=key,
            reference=key[: key.index(":", 8)],
        )
    proved(alone)
    assert statuses() == {"booked": 3, "foreign": 1}
    alone.emulator.control("line", kind="refund_failure", amount=500, source="re_1")
    alone.emulator.control("line", kind="adjustment", amount=300, fee=-1500, source="du_1")
    Refund.objects.update(status="failed")
    Dispute.objects.update(status="won", held_credit_nanousd=0)
    for key, house, cents, kind in (
        (f"refund:{refund.pk}:credit:back", "refunds", 500, "refund"),
        ("dispute:du_1:2:credit", "disputes", 300, "dispute"),
    ):
        mirror.ledger.credit_add(
            account_id=account,
            source=mirror.House(house),
            amount_nanousd=cents * CENT,
            kind=mirror.TransferKind(kind),
            idempotency_key=key,
            reference=key[: key.index(":", 8)],
        )
    proved(alone)
    assert alone.balance() == 2000 * CENT


def test_a_sweep_that_broke_off_leaves_no_gap(alone, monkeypatch):
    """The list is newest first: a place that moved along would skip what is older."""
    monkeypatch.setattr("billing.stripe.client.reading.PAGE_SIZE", 2)
    for _ in range(3):
        alone.emulator.control("line", kind="stripe_fee", amount=-1)
    seen = []

    def die(**values):
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(**values)

    real = mirror.line_mirror
    with monkeypatch.context() as patch:
        patch.setattr(mirror, "line_mirror", die)
        with pytest.raises(KeyboardInterrupt):
            lines_mirror()
    assert (Lines.objects.count(), StripePlace.objects.filter(pk="lines").count()) == (1, 0)
    lines_mirror()
    assert Lines.objects.count() == 3


def test_a_late_line_is_found_by_the_overlap_and_old_ones_are_not_read_again(alone):
    for _ in range(2):
        alone.emulator.control("line", kind="stripe_fee", amount=-1)
    lines_mirror()
    assert lines_mirror() == 2
    late = alone.emulator.control("line", kind="stripe_fee", amount=-7)
    alone.emulator.control(f"objects/{late['id']}", created=late["created"] - 2 * 86400)
    assert lines_mirror() == 3
    StripePlace.objects.update(reached_at=Now() + timedelta(days=10))
    assert lines_mirror() == 0


def test_a_booking_that_fails_midway_leaves_nothing(alone, monkeypatch):
    alone.emulator.control("line", kind="payout", amount=-100, fee=25)
    with monkeypatch.context() as patch:
        patch.setattr(mirror.StripeBalanceTransaction, "save", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lines_mirror()
    assert (Lines.objects.count(), Transfer.objects.filter(kind="payout").count()) == (0, 0)
    proved(alone)


def test_what_changed_after_it_was_booked_is_told_and_not_booked_again(alone, caplog):
    line = alone.emulator.control("line", kind="payout", amount=-100)
    lines_mirror()
    alone.emulator.control(f"objects/{line['id']}", amount=-200, net=-200)
    lines_mirror()
    assert "has changed since" in caplog.text
    found = stripe_compare()
    assert found.unexplained_cents == -100


def test_a_difference_is_told_once_after_two_comparisons(alone, caplog):
    operator_make(email="op@example.com", password="correct horse battery")
    OutgoingMail.objects.all().delete()
    line = alone.emulator.control("line", kind="payout", amount=-100)
    lines_mirror()
    alone.emulator.control(f"objects/{line['id']}", amount=-130, net=-130)
    mails = []
    for _ in range(4):
        stripe_compare()
        mails.append(OutgoingMail.objects.count())
    assert mails == [0, 1, 1, 1]
    assert "−$0.30" in OutgoingMail.objects.get().text
    alone.emulator.control(f"objects/{line['id']}", amount=-140, net=-140)
    stripe_compare()
    stripe_compare()
    assert OutgoingMail.objects.count() == 2
    assert caplog.text.count("ALERT Stripe's balance and ours differ") == 2
    alone.emulator.control(f"objects/{line['id']}", amount=-100, net=-100)
    assert stripe_compare().differences == []


def test_two_comparisons_at_once_tell_once(alone):
    operator_make(email="op@example.com", password="correct horse battery")
    OutgoingMail.objects.all().delete()
    alone.paid()
    stripe_compare()
    at_once(*[lambda: stripe_compare()] * 4)
    assert OutgoingMail.objects.count() == 1


def test_nothing_is_compared_while_money_moves(alone, monkeypatch):
    real, moves = compare.lines_mirror, []

    def move() -> int:
        done = real()
        if moves:
            alone.emulator.control("line", kind="stripe_fee", amount=-moves.pop())
        return done

    monkeypatch.setattr(compare, "lines_mirror", move)
    moves += [1, 2, 3]
    assert stripe_compare() is None
    assert StripeComparison.objects.count() == 0
    moves += [4]
    assert stripe_compare().unexplained_cents == 0


def test_an_outage_leaves_all_as_it_was(alone):
    paid(alone)
    alone.emulator.control("trouble", times=1, status=500, path="/v1/balance_transactions")
    with pytest.raises(StripeDown):
        stripe_compare()
    assert StripeComparison.objects.count() == 0
    proved(alone)


def test_many_lines_are_paged(alone, monkeypatch):
    monkeypatch.setattr("billing.stripe.client.reading.PAGE_SIZE", 3)
    for _ in range(10):
        alone.emulator.control("line", kind="stripe_fee", amount=-1)
    proved(alone)
    assert statuses() == {"booked": 10}


def test_the_audit_compares_on_demand(alone, settings, tmp_path):
    settings.XROUTE_SPOOL_DIR = tmp_path
    paid(alone)
    call_command("audit_ledger", "--stripe")
    alone.paid()
    with pytest.raises(SystemExit):
        call_command("audit_ledger", "--stripe")
    call_command("audit_ledger")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert len(differences_find()) == 1
