"""Writes of billing that people ask for."""

from django.conf import settings
from django.db import transaction

from accounts.models import Role, User, Workspace
from billing import ledger
from billing.given import SIGN_UP
from billing.models import TransferKind
from billing.models.ledger import House
from billing.workspaces import workspace_open_ensure


def deposit_make(*, workspace: Workspace, amount_nanousd: int, idempotency_key: str, reference: str) -> bool:
    """Money the operator received outside of Stripe becomes credit of the workspace. Raises WorkspaceClosed."""
    with transaction.atomic():
        workspace_open_ensure(workspace_id=workspace.pk)
        return ledger.credit_add(
            account_id=ledger.account_ensure(workspace_id=workspace.pk),
            source=House.BANK,
            amount_nanousd=amount_nanousd,
            kind=TransferKind.DEPOSIT,
            idempotency_key=idempotency_key,
            reference=reference,
        )


def signup_credit_give(user: User) -> bool:
    """SIGNUP_CREDIT_USD for the first workspace that a person owns, once in their life; False where nothing was given.

    Runs when their address is confirmed (accounts/hooks.py), in the same transaction.
    """
    amount: int = settings.SIGNUP_CREDIT_NANOUSD
    owned = Workspace.objects.filter(membership__user=user, membership__role=Role.OWNER).order_by("id").first()
    if not amount or owned is None:
        return False
    return ledger.credit_add(
        account_id=ledger.account_ensure(workspace_id=owned.pk),
        source=House.PROMOTIONS,
        amount_nanousd=amount,
        kind=TransferKind.PROMOTION,
        idempotency_key=f"signup:{user.pk}",
        reference=SIGN_UP,
    )
