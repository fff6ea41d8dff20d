"""The people that every test knows: owner (funded), broke (no credits), member, stranger (another workspace)."""

from dataclasses import dataclass
from uuid import uuid4

from accounts.models import Membership, Role, Workspace
from accounts.services import api_key_create, person_ensure
from billing.ledger import account_ensure
from billing.services import deposit_make

USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a key. `secret` is the whole key."""

    user_id: int
    workspace_id: int
    account_id: int
    key_id: int
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def person(*, credit_nanousd: int = 0, workspace_id: int | None = None, role: str = Role.OWNER, **key) -> Person:
    """A new person, in a workspace of their own or as a member of another's. Needs the database unblocked."""
    user, own = person_ensure(email=f"{uuid4().hex}@example.com")
    workspace = Workspace.objects.get(pk=workspace_id) if workspace_id else own
    if workspace_id:
        Membership.objects.create(user=user, workspace=workspace, role=role)
    account = account_ensure(workspace_id=workspace.pk)
    if credit_nanousd:
        deposit_make(workspace=workspace, amount_nanousd=credit_nanousd, idempotency_key=str(uuid4()), reference="test")
    made = api_key_create(workspace=workspace, created_by=user, name="test", **key)
    return Person(user.pk, workspace.pk, account, made.key.pk, made.secret)
