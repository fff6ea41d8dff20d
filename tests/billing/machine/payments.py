"""A payment's life in plain Python: paid, refunded, disputed. Amounts of Stripe's are cents, all others nano-USD."""

from dataclasses import dataclass, field

from tests.billing.machine.model import Account, Books

CENT = 10**7
PAYMENT = ("open", "processing", "expired", "failed", "parked", "paid")
REFUND = ("asked", "pending", "succeeded", "failed")
TAKING = ("needs_response", "under_review", "lost")
Parts = tuple[int, int, int]


def plus(*parts: Parts) -> Parts:
    return (sum(p[0] for p in parts), sum(p[1] for p in parts), sum(p[2] for p in parts))


@dataclass(slots=True)
class Refund:
    cents: int
    parts: Parts
    status: str = "asked"
    stripe_id: str | None = None
    ours: bool = True


@dataclass(slots=True)
class Dispute:
    cents: int
    status: str = ""
    held: Parts = (0, 0, 0)
    moves: int = 0
    asked_at: int = 0


@dataclass(slots=True)
class Payment:
    """`whole` is credit, fee and tax once it is paid. Disputes and refunds stand in the order they came."""

    account: int
    cents: int
    fee: int
    tax: int
    auto: bool = False
    number: str = ""
    status: str = "open"
    whole: Parts = (0, 0, 0)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)

    def refunded(self) -> Parts:
        return plus((0, 0, 0), *[refund.parts for refund in self.refunds.values() if refund.status != "failed"])

    def taken(self, but: str = "") -> Parts:
        """What went back or is held, but for one dispute."""
        return plus(self.refunded(), *[found.held for name, found in self.disputes.items() if name != but])

    def part(self, taken: Parts, gross: int) -> Parts:
        """Of `gross` more: what brings fee and tax to their share of all that went back; the rest is credit."""
        if not gross:
            return (0, 0, 0)
        reached, total = sum(taken) + gross, sum(self.whole)
        fee = min(gross, max(0, self.whole[1] * reached // total - taken[1]))
        tax = min(gross - fee, max(0, self.whole[2] * reached // total - taken[2]))
        return (gross - fee - tax, fee, tax)


class Till:
    """Does to the model what the services do to the books. `house` are the ids of the house's accounts."""

    def __init__(self, books: Books, house: dict[str, int]) -> None:
        self.books, self.house = books, house

    def pay(self, payment: Payment, intent: str, cents: int) -> None:
        """`cents` were paid, fee and tax among them."""
        payment.status, key = "paid", f"stripe:{intent}"
        payment.whole = ((cents - payment.fee - payment.tax) * CENT, payment.fee * CENT, payment.tax * CENT)
        self.books.add(key, self.house["stripe_clearing"], payment.account, payment.whole[0], "top_up")
        for amount, house, kind, part in (
            (payment.whole[1], "revenue", "top_up_fee", "fee"),
            (payment.whole[2], "tax_payable", "tax", "tax"),
        ):
            if amount:
                row = (self.house["stripe_clearing"], self.house[house], amount, kind)
                self.books.transfers[f"{key}:{part}"] = row

    def move(self, payment: Payment, parts: Parts, what: str, key: str, suffix: str = "", over: bool = True) -> None:
        """To the house's refunds or disputes, or from there where `parts` are negative. `over`: it asks no balance."""
        for amount, account, kind, name in zip(
            parts,
            (payment.account, self.house["revenue"], self.house["tax_payable"]),
            (what, "top_up_fee", "tax"),
            ("credit", "fee", "tax"),
            strict=True,
        ):
            if amount:
                ends = (account, self.house[f"{what}s"])
                self.books.transfers[f"{key}:{name}{suffix}"] = (
                    *(ends if amount > 0 else ends[::-1]),
                    abs(amount),
                    kind,
                )
        account: Account = self.books.accounts[payment.account]
        account.posted -= parts[0]
        account.paid_in -= parts[0]
        account.over += parts[0] if over else 0

    def refund(self, payment: Payment, name: str, refund: Refund) -> None:
        payment.refunds[name] = refund
        self.move(payment, refund.parts, "refund", f"refund:{name}", over=not refund.ours)

    def refund_back(self, payment: Payment, name: str) -> None:
        """It failed: all of it comes back, and a dispute may take it."""
        refund = payment.refunds[name]
        refund.status = "failed"
        back = (-refund.parts[0], -refund.parts[1], -refund.parts[2])
        self.move(payment, back, "refund", f"refund:{name}", ":back", over=not refund.ours)
        self.fit(payment)

    def fit(self, payment: Payment, keep_free: int = 0) -> None:
        """Each dispute holds what it may, after refunds and those before it."""
        for name, dispute in payment.disputes.items():
            others = payment.taken(but=name)
            room = sum(payment.whole) - sum(others) - keep_free
            gross = max(0, min(dispute.cents * CENT if dispute.status in TAKING else 0, room))
            if gross != sum(dispute.held):
                target, dispute.moves = payment.part(others, gross), dispute.moves + 1
                more = tuple(new - old for new, old in zip(target, dispute.held, strict=True))
                self.move(payment, more, "dispute", f"dispute:{name}:{dispute.moves}")
                dispute.held = target

    def promotional(self, account: int) -> int:
        """What is left of credit that was given: it is spent first, and never below nothing."""
        left = 0
        for source, target, amount, kind in self.books.transfers.values():
            if target == account and kind in ("promotion", "correction"):
                left += amount
            elif source == account and kind not in ("refund", "dispute"):
                left = max(0, left - amount)
        return left

    def refundable(self, payment: Payment) -> int:
        """Cents, tried from the most there could be."""
        account, taken = self.books.accounts[payment.account], payment.taken()
        paid = max(0, account.posted - self.promotional(payment.account))
        credit = max(0, min(paid, account.available))
        most = (sum(payment.whole) - sum(taken)) // CENT
        return next(c for c in range(most, -1, -1) if not c or payment.part(taken, c * CENT)[0] <= credit)
