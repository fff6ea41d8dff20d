"""People of a running installation, made as its commands make them, with the cookie of a log-in."""

import json
from dataclasses import dataclass

from tests.stack import Stack

MAKE = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from allauth.account.models import EmailAddress
from accounts.models import Membership, Workspace
from accounts.services import api_key_create, person_ensure
from billing.services import deposit_make
user, own = person_ensure(email={email!r})
EmailAddress.objects.get_or_create(user=user, email=user.email, defaults=dict(verified=True, primary=True))
if {operator}:
    user.is_staff = user.is_superuser = True
    user.save()
if {workspace}:
    Membership.objects.filter(user=user).delete()
    own = Workspace.objects.get(pk={workspace})
    Membership.objects.create(user=user, workspace=own, role="member")
if {credit_usd}:
    deposit_make(workspace=own, amount_nanousd={credit_usd} * 10**9, idempotency_key={email!r}, reference="test")
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print(json.dumps(dict(email=user.email, workspace_id=own.pk, session=session.session_key)))
"""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone who is logged in by the cookie `session`."""

    email: str
    workspace_id: int
    session: str

    def cookie(self, base: str) -> dict[str, str]:
        return {"name": "sessionid", "value": self.session, "url": base}


def visitor(stack: Stack, email: str, *, operator: bool = False, workspace: int = 0, credit_usd: int = 0) -> Visitor:
    """A person with a workspace of their own, or a member of `workspace`."""
    code = MAKE.format(email=email, operator=operator, workspace=workspace, credit_usd=credit_usd)
    done = stack.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    return Visitor(**json.loads(done.stdout.splitlines()[-1]))
