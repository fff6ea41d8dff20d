"""Where the credit of a closed workspace went: what is taken back of its payments is taken from there."""

from billing import ledger
from billing.models import Transfer

MOVES_MAX = 20


def account_of_payments(*, workspace_id: int) -> int:
    """The account that holds what a workspace has paid: its own, or that to which a closing has moved its credit.

    Else buying, moving and disputing would be free credit.
    """
    for _ in range(MOVES_MAX):
        moved = Transfer.objects.filter(idempotency_key=f"move:closing:{workspace_id}")
        target = moved.values_list("credit_account__workspace_id", flat=True).first()
        if target is None:
            break
        workspace_id = target
    return ledger.account_ensure(workspace_id=workspace_id)
