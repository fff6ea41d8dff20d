"""Stripe's balance, line by line, in our books: each line is kept once, and once our transfers say the same, booked."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from billing import ledger
from billing.models import (
    Dispute,
    MirrorStatus,
    Payment,
    PaymentStatus,
    Refund,
    StripeBalanceTransaction,
    Transfer,
    TransferKind,
)
from billing.models.ledger import House
from billing.parts import NANOUSD_PER_CENT
from billing.stripe import client
from billing.stripe.errors import StripeRefused
from billing.stripe.line import Line
from billing.stripe.places import place_reached, place_since
from billing.stripe.returned import payment_returned

logger = logging.getLogger("xroute.billing")
PLACE, OVERLAP, WAITING_MAX = "lines", timedelta(days=3), 100
CHARGES = ("charge", "payment")
REFUNDS = ("refund", "refund_failure", "payment_refund")
PAYOUTS = ("payout", "payout_cancel", "payout_failure")
RETURNS = ("payment_reversal", "payment_failure_refund")
DISPUTES, REFUND_IDS = ("du_", "dp_"), ("re_", "pyr_")
Target = tuple[House, TransferKind]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a line is to us. `target` None: its gross is in the books already, or is not to be."""

    status: MirrorStatus
    note: str = ""
    payment: Payment | None = None
    target: Target | None = None


def lines_mirror() -> int:
    """Read Stripe's list from where the last sweep ended, and the lines that wait; how many. Raises StripeError.

    May run twice at once, and break off anywhere.
    """
    newest: datetime | None = None
    count = 0
    for line in client.balance_lines(since_s=int(place_since(PLACE, overlap=OVERLAP).timestamp())):
        newest = max(newest or line.created_at, line.created_at)
        line_mirror(line=line)
        count += 1
    place_reached(PLACE, newest=newest)
    return count + waiting_retry()


def waiting_retry() -> int:
    """Lines whose other side was not here yet, the longest untried first; how many were tried. Raises StripeError."""
    waiting = StripeBalanceTransaction.objects.filter(status=MirrorStatus.WAITING).order_by("mirrored_at")
    tried = list(waiting.values_list("pk", flat=True)[:WAITING_MAX])
    for line_id in tried:
        StripeBalanceTransaction.objects.filter(pk=line_id).update(mirrored_at=Now())
        try:
            line_mirror(line=client.balance_line(line_id))
        except StripeRefused as error:
            if error.status != 404:
                raise
            logger.error("ALERT Stripe no longer knows line %s of its balance", line_id)
    return len(tried)


def line_mirror(*, line: Line) -> MirrorStatus:
    """Keep a line and, where its other side is here, book it, in one transaction. Does nothing the second time."""
    with transaction.atomic(durable=True):
        StripeBalanceTransaction.objects.bulk_create([_row(line)], ignore_conflicts=True)
        row = StripeBalanceTransaction.objects.select_for_update().get(pk=line.id)
        if (row.type, row.currency, row.amount_cents, row.fee_cents) != (
            line.type,
            line.currency,
            line.amount_cents,
            line.fee_cents,
        ):
            logger.error("ALERT line %s of Stripe's balance has changed since it was mirrored", line.id)
            return MirrorStatus(row.status)
        if row.status == MirrorStatus.BOOKED:
            return MirrorStatus.BOOKED
        verdict = line_judge(line)
        if verdict.status == MirrorStatus.BOOKED:
            _book(line, verdict.target)
        row.status, row.note, row.payment = verdict.status, verdict.note[:300], verdict.payment
        row.save(update_fields=["status", "note", "payment"])
    return verdict.status


def _row(line: Line) -> StripeBalanceTransaction:
    return StripeBalanceTransaction(
        id=line.id,
        type=line.type,
        source=line.source,
        currency=line.currency[:3],
        amount_cents=line.amount_cents,
        fee_cents=line.fee_cents,
        net_cents=line.net_cents,
        status=MirrorStatus.WAITING,
        created_at=line.created_at,
    )


def line_judge(line: Line) -> Verdict:
    """What our books say of it now; what a bank has returned is taken back first."""
    if line.currency != "usd":
        return Verdict(MirrorStatus.FOREIGN, f"In {line.currency.upper()}. Only USD is booked.")
    if line.type in CHARGES:
        return _charge(line)
    if line.type in REFUNDS or (line.type in RETURNS and line.source.startswith(REFUND_IDS)):
        known = Refund.objects.filter(stripe_id=line.source).exists()
        return _reversal(line, known, "refund", (House.REFUNDS, TransferKind.REFUND))
    if line.type in ("adjustment", *RETURNS) and line.source.startswith(DISPUTES):
        known = Dispute.objects.filter(pk=line.source).exists()
        return _reversal(line, known, "dispute", (House.DISPUTES, TransferKind.DISPUTE))
    if line.type in RETURNS and line.amount_cents < 0:
        return _returned(line)
    if line.type in PAYOUTS:
        return Verdict(MirrorStatus.BOOKED, target=(House.BANK, TransferKind.PAYOUT))
    note = f"Stripe's own ({line.type}): booked as a cost of processing."
    return Verdict(MirrorStatus.BOOKED, note, target=(House.PROCESSING_FEES, TransferKind.STRIPE_OTHER))


def _payment(line: Line) -> Payment | None:
    """Of its payment intent. What the charge says of itself only tells whose it is; nothing is credited by it."""
    ours = Q(payment_intent_id=line.intent_id) if line.intent_id else Q(pk=None)
    found = Payment.objects.filter(ours).first()
    if found is None and line.payment_hint:
        try:
            found = Payment.objects.filter(pk=UUID(line.payment_hint)).first()
        except ValueError:
            return None
    return found


def _charge(line: Line) -> Verdict:
    payment = _payment(line)
    if payment is None:
        return Verdict(MirrorStatus.FOREIGN, "Of no payment made here.")
    if payment.payment_intent_id != line.intent_id:  # linked to no payment: it might say so of itself only
        return Verdict(MirrorStatus.WAITING, f"It says to be of payment {payment.pk}, which is {payment.status} here.")
    if payment.status != PaymentStatus.PAID:
        return Verdict(MirrorStatus.WAITING, f"Its payment {payment.pk} is {payment.status} here.", payment)
    booked = payment_booked(payment)
    if booked != line.amount_cents * NANOUSD_PER_CENT:
        note = f"Stripe took {line.amount_cents} cents for payment {payment.pk}; {booked} nano-USD are booked."
        return Verdict(MirrorStatus.WAITING, note, payment)
    return Verdict(MirrorStatus.BOOKED, payment=payment)


def payment_booked(payment: Payment) -> int:
    """What credit, fee and tax of a payment are in the ledger, nano-USD."""
    key = f"stripe:{payment.payment_intent_id}"
    found = Transfer.objects.filter(idempotency_key__in=(key, f"{key}:fee", f"{key}:tax"))
    return sum(found.values_list("amount", flat=True))


def _reversal(line: Line, known: bool, what: str, target: Target) -> Verdict:
    payment = _payment(line)
    if known:
        return Verdict(MirrorStatus.BOOKED, payment=payment, target=target)
    if payment is None:
        return Verdict(MirrorStatus.FOREIGN, f"A {what} of no payment made here.")
    return Verdict(MirrorStatus.WAITING, f"This {what} of payment {payment.pk} is not recorded here yet.", payment)


def _returned(line: Line) -> Verdict:
    payment = _payment(line)
    if payment is None:
        return Verdict(MirrorStatus.FOREIGN, "A return of no payment made here.")
    if payment.payment_intent_id != line.intent_id or payment.status != PaymentStatus.PAID:
        return Verdict(MirrorStatus.WAITING, f"A return of payment {payment.pk}, which is {payment.status} here.")
    if reason := payment_returned(line=line, payment=payment):
        return Verdict(MirrorStatus.WAITING, f"A return of payment {payment.pk}: {reason}.", payment)
    note = f"The bank returned payment {payment.pk}."
    return Verdict(MirrorStatus.BOOKED, note, payment, (House.REFUNDS, TransferKind.REFUND))


def _book(line: Line, target: Target | None) -> None:
    if target is not None:
        _move(target[0], line.amount_cents, target[1], f"txn:{line.id}", line)
    _move(House.PROCESSING_FEES, -line.fee_cents, TransferKind.STRIPE_FEE, f"txn:{line.id}:fee", line)


def _move(house: House, cents: int, kind: TransferKind, key: str, line: Line) -> None:
    """Into Stripe's balance where `cents` are positive, out of it where they are negative."""
    if not cents:
        return
    source, target = (House.STRIPE_CLEARING, house) if cents > 0 else (house, House.STRIPE_CLEARING)
    moved = ledger.house_move(
        source=source,
        target=target,
        amount_nanousd=abs(cents) * NANOUSD_PER_CENT,
        kind=kind,
        idempotency_key=key,
        reference=line.source[:200],
    )
    if not moved:
        raise RuntimeError(f"{key} was booked before, and its line was not")


def clearing_nanousd() -> int:
    """What stripe_clearing says that Stripe holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(CASE WHEN t.debit_account_id = a.id THEN t.amount ELSE -t.amount END), 0) "
            "FROM billing_creditaccount a JOIN billing_transfer t ON a.id IN (t.debit_account_id, t.credit_account_id) "
            "WHERE a.house = 'stripe_clearing'"
        )
        return int(cursor.fetchone()[0])
