"""The nouns of money: who holds it, how it moved, what it was for."""

from billing.models.holds import KeyPeriod, KeyReservation, Reservation, Worker
from billing.models.ledger import Books, CreditAccount, Transfer, TransferKind
from billing.models.payments import EventStatus, Payment, PaymentStatus, StripeCustomer, StripeEvent
from billing.models.usage import MeterBatch, RejectedUsage, UsageRecord, UsageRecordRow, UsageRollup

__all__ = [
    "Books",
    "CreditAccount",
    "EventStatus",
    "KeyPeriod",
    "KeyReservation",
    "MeterBatch",
    "Payment",
    "PaymentStatus",
    "RejectedUsage",
    "Reservation",
    "StripeCustomer",
    "StripeEvent",
    "Transfer",
    "TransferKind",
    "UsageRecord",
    "UsageRecordRow",
    "UsageRollup",
    "Worker",
]
