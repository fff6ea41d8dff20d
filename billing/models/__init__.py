"""The nouns of money: who holds it, how it moved, what it was for."""

from billing.models.holds import KeyPeriod, KeyReservation, Reservation, Worker
from billing.models.ledger import BalanceMark, Books, CreditAccount, Transfer, TransferKind
from billing.models.mirror import MirrorStatus, StripeBalanceTransaction, StripeComparison, StripePlace
from billing.models.operations import Adjustment, AdjustmentKind, AuditRun
from billing.models.payments import EventStatus, Payment, PaymentOrigin, PaymentStatus, StripeCustomer, StripeEvent
from billing.models.promotions import ExpiringCredit, PromotionCode, PromotionUse
from billing.models.reversals import CreditNote, Dispute, Refund, RefundOrigin, RefundStatus
from billing.models.usage import KeyTotal, MeterBatch, RejectedUsage, UsageRecord, UsageRecordRow, UsageRollup
from billing.models.wishes import AutoTopUp, BalanceAlert, BillingDetails, Closing, Receipt

__all__ = [
    "Adjustment",
    "AdjustmentKind",
    "AuditRun",
    "AutoTopUp",
    "BalanceAlert",
    "BalanceMark",
    "BillingDetails",
    "Books",
    "Closing",
    "CreditAccount",
    "CreditNote",
    "Dispute",
    "EventStatus",
    "ExpiringCredit",
    "KeyPeriod",
    "KeyReservation",
    "KeyTotal",
    "MeterBatch",
    "MirrorStatus",
    "Payment",
    "PaymentOrigin",
    "PaymentStatus",
    "PromotionCode",
    "PromotionUse",
    "Receipt",
    "Refund",
    "RefundOrigin",
    "RefundStatus",
    "RejectedUsage",
    "Reservation",
    "StripeBalanceTransaction",
    "StripeComparison",
    "StripeCustomer",
    "StripeEvent",
    "StripePlace",
    "Transfer",
    "TransferKind",
    "UsageRecord",
    "UsageRecordRow",
    "UsageRollup",
    "Worker",
]
