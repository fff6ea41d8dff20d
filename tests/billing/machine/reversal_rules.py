"""Money that goes back: refunds of ours and of the dashboard's, disputes; answers come late, again, in any order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from billing.models import Payment as Row, Refund as RefundRow, RefundOrigin
from billing.stripe.disputes import dispute_apply
from billing.stripe.errors import PaymentRefused
from billing.stripe.refunds import _refused, refund_apply, refund_debit
from billing.stripe.reversal import Paid, StripeDispute, StripeRefund
from tests.billing.machine.payment_rules import PaymentRules, again, some
from tests.billing.machine.payments import CENT, REFUND, Dispute, Payment, Refund

# As Stripe says it: as we keep it.
STATUSES = {"pending": 1, "requires_action": 1, "succeeded": 2, "failed": 3, "canceled": 3}
DISPUTED = ("warning_needs_response", "needs_response", "needs_response", "under_review", "won", "lost", "prevented")
# All there is, one cent more than that, or so many.
asked = st.one_of(st.sampled_from(["all", "more"]), st.integers(1, 90))
refund_said, dispute_said = st.sampled_from(sorted(STATUSES)), st.sampled_from(DISPUTED)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class ReversalRules(PaymentRules):
    def begun(self) -> None:
        super().begun()
        self.asked_at = 0

    def of_paid(self, number: int) -> tuple[str, Payment]:
        found = sorted(name for name, payment in self.model.payments.items() if payment.status == "paid")
        return found[number % len(found)], self.model.payments[found[number % len(found)]]

    def of_refunds(self, number: int, *, ours: bool = False) -> tuple[str, Payment, str] | None:
        found = sorted(
            (name, refund)
            for name, payment in self.model.payments.items()
            for refund, row in payment.refunds.items()
            if row.ours or not ours
        )
        name, refund = found[number % len(found)] if found else ("", "")
        return (name, self.model.payments[name], refund) if found else None

    @rule(number=some, amount=asked)
    def refund(self, number: int, amount: int | str) -> None:
        """Debited here first: no more than is unspent, and left of the payment."""
        name, payment = self.of_paid(number)
        most = self.till.refundable(payment)
        amount = most + (amount == "more") if isinstance(amount, str) else amount
        try:
            with transaction.atomic():
                row = refund_debit(Row.objects.get(pk=name), amount, "why", None, RefundOrigin.OPERATOR)
        except PaymentRefused:
            assert not 0 < amount <= most
            return
        assert 0 < amount <= most
        parts = payment.part(payment.taken(), amount * CENT)
        self.till.refund(payment, str(row.pk), Refund(amount, parts))

    @rule()
    def refund_of_an_unpaid_payment(self) -> None:
        for name, payment in self.model.payments.items():
            if payment.status != "paid":
                with self.refused(PaymentRefused), transaction.atomic():
                    refund_debit(Row.objects.get(pk=name), 1, "why", None, RefundOrigin.OPERATOR)

    @rule(number=some, what=refund_said, times=again)
    def refund_told(self, number: int, what: str, times: int) -> None:
        """Of any refund: an answer, its webhook, both, or what was true before."""
        if found := self.of_refunds(number):
            name, payment, refund = found
            row = payment.refunds[refund]
            stripe_id = row.stripe_id or self.unique("re")
            self.apply_refund(name, payment, stripe_id, row.cents, what, times, refund if row.ours else "")

    @rule(number=some, times=again)
    def refund_refused(self, number: int, times: int) -> None:
        """Stripe's definite no; of one that Stripe has told of meanwhile it says nothing."""
        if found := self.of_refunds(number, ours=True):
            _, payment, refund = found
            for _ in range(times):
                with transaction.atomic():
                    _refused(RefundRow.objects.get(pk=refund), "no")
                row = payment.refunds[refund]
                if row.status == "asked" and not row.stripe_id:
                    self.till.refund_back(payment, refund)

    @rule(number=some, amount=asked, what=refund_said, times=again)
    def refund_in_the_dashboard(self, number: int, amount: int | str, what: str, times: int) -> None:
        """Whatever the balance is. Ours that are not answered yet come first, and disputes make room."""
        name, payment = self.of_paid(number)
        left = (sum(payment.whole) - sum(payment.refunded())) // CENT
        amount = left + (amount == "more") if isinstance(amount, str) else amount
        if amount:
            self.apply_refund(name, payment, self.unique("re"), amount, what, times, "")

    def apply_refund(
        self, name: str, payment: Payment, stripe_id: str, cents: int, what: str, times: int, ours: str
    ) -> None:
        paid = Paid(f"pi_{payment.number}", name)
        found = StripeRefund(stripe_id, what, cents, "usd", "", ours, paid)
        for _ in range(times):
            with transaction.atomic():
                reason = refund_apply(found, UUID(name))
            assert bool(reason) is not self.refund_becomes(payment, stripe_id, cents, STATUSES[what], ours)

    def refund_becomes(self, payment: Payment, stripe_id: str, cents: int, status: int, ours: str) -> bool:
        """False where it is more than was left."""
        name = next((key for key, row in payment.refunds.items() if row.stripe_id == stripe_id), None)
        if name is None and ours and payment.refunds[ours].stripe_id is None:
            name = ours if payment.refunds[ours].status != "failed" else None
        if name is None:
            return self.refund_appears(payment, stripe_id, cents, status)
        row = payment.refunds[name]
        row.stripe_id = stripe_id
        if status > REFUND.index(row.status):
            row.status = REFUND[status]
            if row.status == "failed":
                self.till.refund_back(payment, name)
        return True

    def refund_appears(self, payment: Payment, stripe_id: str, cents: int, status: int) -> bool:
        refund = Refund(cents, (cents * CENT, 0, 0), REFUND[status], stripe_id, ours=False)
        if refund.status != "failed":
            if sum(payment.refunded()) + cents * CENT > sum(payment.whole):
                return False
            self.till.fit(payment, keep_free=cents * CENT)
            refund.parts = payment.part(payment.taken(), cents * CENT)
        (name,) = RefundRow.objects.filter(stripe_id=stripe_id).values_list("pk", flat=True)
        if refund.status == "failed":
            payment.refunds[str(name)] = refund
        else:
            self.till.refund(payment, str(name), refund)
        return True

    @rule(number=some, amount=asked, what=dispute_said, times=again)
    def disputed(self, number: int, amount: int | str, what: str, times: int) -> None:
        """The bank may ask for more than is left."""
        name, payment = self.of_paid(number)
        whole = sum(payment.whole) // CENT
        amount = whole + (amount == "more") if isinstance(amount, str) else amount
        dispute = self.unique("du")
        payment.disputes[dispute] = Dispute(amount)
        self.asked_at += 1
        self.apply_dispute(name, payment, dispute, what, self.asked_at, times)

    @rule(number=some, what=dispute_said, late=st.sampled_from((0, 0, 1, 3)), times=again)
    def dispute_told(self, number: int, what: str, late: int, times: int) -> None:
        """Won, lost, opened again; an answer that was asked for before the last one counts no more."""
        found = sorted((p, name) for p, payment in self.model.payments.items() for name in payment.disputes)
        if found:
            name, dispute = found[number % len(found)]
            self.asked_at += 1
            self.apply_dispute(name, self.model.payments[name], dispute, what, self.asked_at - late, times)

    def apply_dispute(self, name: str, payment: Payment, dispute: str, what: str, asked_at: int, times: int) -> None:
        row, paid = payment.disputes[dispute], Paid(f"pi_{payment.number}", name)
        moment = SINCE + timedelta(seconds=asked_at)
        found = StripeDispute(dispute, what, row.cents, "usd", "fraudulent", False, None, paid, moment)
        for _ in range(times):
            with transaction.atomic():
                assert dispute_apply(found, UUID(name)) == ""
            if asked_at > row.asked_at:
                row.status, row.asked_at = what, asked_at
                self.till.fit(payment)

    @invariant()
    def no_payment_gives_back_more_than_it_took(self) -> None:
        """And what went back is its share of credit, fee and tax, but for a nano-USD for each time it moved."""
        for payment in self.model.payments.values():
            taken, whole = payment.taken(), payment.whole
            moved = len(payment.refunds) + sum(dispute.moves for dispute in payment.disputes.values())
            assert all(part <= most for part, most in zip(taken, whole, strict=True))
            for part, most in zip(taken, whole, strict=True):
                assert abs(part * sum(whole) - most * sum(taken)) <= (2 * moved + 1) * sum(whole)
            if sum(taken) == sum(whole):
                assert taken == whole
