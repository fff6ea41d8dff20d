"""Credit that comes and goes by transfers: deposits, top-ups, promotions, guarded debits, each also again."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accounts.models import Workspace
from billing import ledger, services
from billing.models import TransferKind
from billing.models.ledger import House
from tests.billing.machine.base import Base, accounts
from tests.billing.machine.model import BANK, CLEARING, PROMOTIONS, REVENUE

money = st.integers(1, 1000)


class MoneyRules(Base):
    def begun(self) -> None:
        super().begun()
        self.credits, self.debits = [], []
        self.deposit(0, 900)
        self.deposit(1, 400)

    @rule(account=accounts, amount=money)
    def deposit(self, account: int, amount: int) -> None:
        self._credit(self.name("deposit"), account, amount, TransferKind.DEPOSIT)

    @rule(account=accounts, amount=money)
    def top_up(self, account: int, amount: int) -> None:
        self._credit(self.name("top_up"), account, amount, TransferKind.TOP_UP)

    @rule(account=accounts, amount=money)
    def promotion(self, account: int, amount: int) -> None:
        self._credit(self.name("promotion"), account, amount, TransferKind.PROMOTION)

    @rule(number=st.integers(0), amount=money)
    def credit_again(self, number: int, amount: int) -> None:
        """The same idempotency key, whatever else is said beside it."""
        name, account, _, kind = self.credits[number % len(self.credits)]
        self._credit(name, account, amount, kind)

    @rule(account=accounts, amount=money, kind=st.sampled_from([TransferKind.CORRECTION, TransferKind.EXPIRY]))
    def take(self, account: int, amount: int, kind: TransferKind) -> None:
        self._debit(self.name("take"), account, amount, kind)

    @rule(account=accounts, more=st.integers(0, 1))
    def take_all(self, account: int, more: int) -> None:
        """Exactly what is available, or one more than that."""
        available = self.model.accounts[self.accounts[account]].available
        if available + more > 0:
            self._debit(self.name("take"), account, available + more, TransferKind.CORRECTION)

    @rule(number=st.integers(0), amount=money)
    def take_again(self, number: int, amount: int) -> None:
        if self.debits:
            name, account, _, kind = self.debits[number % len(self.debits)]
            self._debit(name, account, amount, kind)

    def _credit(self, name: str, account: int, amount: int, kind: TransferKind) -> None:
        found, workspace = self.accounts[account], Workspace(pk=self.workspaces[account])
        values = {"amount_nanousd": amount, "idempotency_key": name}
        if kind == TransferKind.DEPOSIT:
            source, answer = BANK, services.deposit_make(workspace=workspace, reference="", **values)
        else:
            house = House.STRIPE_CLEARING if kind == TransferKind.TOP_UP else House.PROMOTIONS
            source = CLEARING if kind == TransferKind.TOP_UP else PROMOTIONS
            answer = ledger.credit_add(account_id=found, source=house, kind=kind, **values)
        assert answer is self.model.add(name, source, found, amount, kind.value)
        self.credits.append((name, account, amount, kind))

    def _debit(self, name: str, account: int, amount: int, kind: TransferKind) -> None:
        found, ended = self.accounts[account], kind == TransferKind.EXPIRY
        try:
            answer = ledger.credit_take(
                account_id=found,
                target=House.PROMOTIONS if ended else House.REVENUE,
                amount_nanousd=amount,
                kind=kind,
                idempotency_key=name,
            )
        except ledger.InsufficientCredits:
            answer = None
        assert answer is self.model.take(name, found, PROMOTIONS if ended else REVENUE, amount, kind.value)
        self.debits.append((name, account, amount, kind))
