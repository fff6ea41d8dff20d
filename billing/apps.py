"""WHAT IT COSTS: prices, holds, the meter and the ledger."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from billing.books import check_connection

        connection_created.connect(check_connection)
