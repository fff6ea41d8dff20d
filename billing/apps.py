"""WHAT IT COSTS: prices, holds, the meter and the ledger."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
