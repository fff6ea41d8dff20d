"""Writes of billing that people ask for."""

from accounts.models import Workspace
from billing import ledger
from billing.models import TransferKind
from billing.models.ledger import House


def deposit_make(*, workspace: Workspace, amount_nanousd: int, idempotency_key: str, reference: str) -> bool:
    """Money the operator received outside of Stripe becomes credit of the workspace."""
    return ledger.credit_add(
        account_id=ledger.account_ensure(workspace_id=workspace.pk),
        source=House.BANK,
        amount_nanousd=amount_nanousd,
        kind=TransferKind.DEPOSIT,
        idempotency_key=idempotency_key,
        reference=reference,
    )
