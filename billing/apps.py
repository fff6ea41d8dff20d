"""WHAT IT COSTS: prices, holds, the meter and the ledger."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from accounts import hooks
        from billing.books import check_connection
        from billing.services import signup_credit_give

        connection_created.connect(check_connection)
        if signup_credit_give not in hooks.on_confirmed:
            hooks.on_confirmed.append(signup_credit_give)
