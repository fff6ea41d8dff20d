"""The life of payments as Stripe tells of it, in any order and again, through the services that apply its answers."""

from uuid import uuid4

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import rule

from billing.models import Payment as Row
from billing.stripe.intent import Intent
from billing.stripe.session import Session
from billing.stripe.settle import intent_apply, session_apply
from tests.billing.machine.base import Base
from tests.billing.machine.payments import CENT, PAYMENT, Payment, Till

payers = st.sampled_from((1, 2, 2, 3))
cents, some, again = st.integers(1, 60), st.integers(0), st.sampled_from((1, 1, 2))
# What Stripe says of it: (session's status, payment's status, intent's status), and what we make of that.
SAID = {
    "open": ("open", "unpaid", ""),
    "processing": ("complete", "unpaid", "processing"),
    "expired": ("expired", "unpaid", ""),
    "failed": ("complete", "unpaid", "requires_payment_method"),
    "parked": ("complete", "paid", "succeeded"),
    "paid": ("complete", "paid", "succeeded"),
}
said = st.sampled_from([*SAID, "paid"])


class PaymentRules(Base):
    def begun(self) -> None:
        super().begun()
        self.house = dict(
            self.application.execute("SELECT house, id FROM billing_creditaccount WHERE house IS NOT NULL").fetchall()
        )
        self.till = Till(self.model, self.house)
        self.named = 0
        self.paid(2, 60, 7, 5)
        self.paid(1, 33, 0, 0)

    def unique(self, kind: str) -> str:
        """A name at Stripe that this example has not used."""
        self.named += 1
        return f"{kind}_{self.named}"

    @rule(account=payers, amount=cents, fee=st.integers(0, 20), tax=st.integers(0, 20), auto=st.booleans())
    def start(self, account: int, amount: int, fee: int, tax: int, auto: bool) -> None:
        """A payment by checkout, or by the saved card: of those one at a time."""
        self.started(account, amount, fee, tax, auto=auto)

    def started(self, account: int, amount: int, fee: int, tax: int, *, auto: bool = False) -> str:
        payment = Payment(self.accounts[account], amount, fee, tax, auto)
        payment.auto = auto and not any(
            found.auto and found.account == payment.account and found.status in ("open", "processing")
            for found in self.model.payments.values()
        )
        payment.number = number = self.unique("p")
        values = {"session_id": f"cs_{number}"}
        if payment.auto:
            values = {"origin": "auto", "payment_intent_id": f"pi_{number}", "customer_id": "cus_1"}
            values |= {"total_cents": amount + fee + tax, "tax_cents": tax}
        row = Row.objects.create(
            workspace_id=self.workspaces[account],
            amount_cents=amount,
            amount_nanousd=amount * CENT,
            fee_cents=fee,
            idempotency_key=uuid4(),
            **values,
        )
        self.model.payments[str(row.pk)] = payment
        return str(row.pk)

    @rule(account=payers, amount=cents, fee=st.integers(0, 20), tax=st.integers(0, 20))
    def paid(self, account: int, amount: int, fee: int, tax: int) -> None:
        """One that is paid at once."""
        self.told(self.started(account, amount, fee, tax), "paid", 0, 1)

    @rule(number=some, what=said, more=st.sampled_from((0, 0, 0, 1, -1)), times=again)
    def told_of_any(self, number: int, what: str, more: int, times: int) -> None:
        """Whatever was true at some time, in any order; what was paid may not be what was asked."""
        self.told(sorted(self.model.payments)[number % len(self.model.payments)], what, more, times)

    def told(self, name: str, what: str, more: int, times: int) -> None:
        payment = self.model.payments[name]
        total = payment.cents + payment.fee + payment.tax
        if payment.auto:
            what, paid = {"expired": "failed", "open": "processing"}.get(what, what), total
            found, apply = self.intent(payment, what, total), intent_apply
        else:
            paid = total + (more if payment.cents + more > 0 else 0)
            found, apply = self.session(payment, what, paid), session_apply
        for _ in range(times):
            with transaction.atomic():
                reason = apply(found)
            if payment.status == "paid":
                assert reason == ""
                continue
            assert bool(reason) is (what == "parked")
            if what == "paid":
                self.till.pay(payment, f"pi_{payment.number}", paid)
            elif PAYMENT.index(what) > PAYMENT.index(payment.status):
                payment.status = what

    def session(self, payment: Payment, what: str, total: int) -> Session:
        status, payment_status, intent_status = SAID[what]
        return Session(
            id=f"cs_{payment.number}",
            livemode=False,
            mode="payment",
            status=status,
            payment_status=payment_status,
            currency="eur" if what == "parked" else "usd",
            subtotal_cents=total - payment.tax,
            total_cents=total,
            tax_cents=payment.tax,
            intent_id=f"pi_{payment.number}" if intent_status else "",
            intent_status=intent_status,
            decline_code="poor" if what == "failed" else "",
        )

    def intent(self, payment: Payment, what: str, total: int) -> Intent:
        """Odd: paid by somebody else. One that waits for its confirmation has failed, for nobody is there."""
        status = SAID[what][2] or "processing"
        return Intent(
            id=f"pi_{payment.number}",
            livemode=False,
            status=status,
            currency="usd",
            customer_id="cus_2" if what == "parked" else "cus_1",
            amount_cents=total,
            received_cents=total if status == "succeeded" else 0,
            code="",
            payment="",
        )
