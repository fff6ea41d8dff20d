"""WHO: people, workspaces, memberships and keys."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import checks, receivers

        checks.add()
        receivers.connect()
