"""What tests of refunds and disputes do at the emulator, and what they look at afterwards."""

from collections.abc import Iterable

from billing import ledger
from billing.models import Dispute, Payment, Refund, StripeEvent, Transfer, TransferKind
from billing.models.ledger import House
from billing.parts import NANOUSD_PER_CENT
from billing.stripe.events import event_process
from billing.stripe.settle import payment_check
from tests.billing.stripe.conftest import Till, post

CENT = 10_000_000


def paid(till: Till, cents: int = 2000, **more) -> Payment:
    """A payment that is credited."""
    return payment_check(payment=till.paid(cents, **more))


def with_fee_and_tax(payment: Payment, fee: int, tax: int) -> Payment:
    """As if that had been paid besides, and booked."""
    for target, kind, cents, part in (
        (House.REVENUE, TransferKind.TOP_UP_FEE, fee, "fee"),
        (House.TAX_PAYABLE, TransferKind.TAX, tax, "tax"),
    ):
        ledger.house_move(
            source=House.STRIPE_CLEARING,
            target=target,
            amount_nanousd=cents * NANOUSD_PER_CENT,
            kind=kind,
            idempotency_key=f"stripe:{payment.payment_intent_id}:{part}",
            reference=f"payment:{payment.pk}",
        )
    total = payment.amount_cents + fee + tax
    Payment.objects.filter(pk=payment.pk).update(fee_cents=fee, tax_cents=tax, total_cents=total)
    payment.refresh_from_db()
    return payment


def at_stripe(till: Till, payment: Payment, **more) -> dict:
    """A refund from Stripe's dashboard."""
    return till.emulator.control("refund", payment_intent=payment.payment_intent_id, **more)


def dispute(till: Till, payment: Payment, **more) -> dict:
    return till.emulator.control("dispute", payment_intent=payment.payment_intent_id, **more)


def events_of(till: Till, about: str) -> list[dict]:
    """As Stripe would send them, oldest first."""
    return [{k: v for k, v in event.items() if k not in ("state", "tries")} for event in till.emulator.events(about)]


def deliver(events: Iterable[dict]) -> list[StripeEvent]:
    found = []
    for event in events:
        assert post(event).status_code == 200
        event_process(event_id=event["id"])
        found.append(StripeEvent.objects.get(pk=event["id"]))
    return found


def refunds(payment: Payment) -> list[tuple[str, str, int]]:
    return list(Refund.objects.filter(payment=payment).order_by("id").values_list("origin", "status", "amount_cents"))


def held(found: dict) -> int:
    return Dispute.objects.get(pk=found["id"]).held_credit_nanousd


def keys(reference: str) -> list[str]:
    return [key.split(":", 2)[2] for key in moves(reference).values_list("idempotency_key", flat=True)]


def moves(reference: str):
    return Transfer.objects.filter(reference=reference).order_by("id")
