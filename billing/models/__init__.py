"""The nouns of money: who holds it, how it moved, what it was for."""

from billing.models.holds import KeyPeriod, KeyReservation, Reservation, Worker
from billing.models.ledger import Books, CreditAccount, Transfer, TransferKind
from billing.models.usage import MeterBatch, RejectedUsage, UsageRecord, UsageRollup

__all__ = [
    "Books",
    "CreditAccount",
    "KeyPeriod",
    "KeyReservation",
    "MeterBatch",
    "RejectedUsage",
    "Reservation",
    "Transfer",
    "TransferKind",
    "UsageRecord",
    "UsageRollup",
    "Worker",
]
