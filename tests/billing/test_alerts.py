"""The low-balance mail: one for each fall below the level, to owners and admins, whoever sweeps how often at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import OutgoingMail
from billing.alerts import alert_get, alert_set, alerts_sweep
from billing.ledger import credit_add
from billing.models import TransferKind
from billing.models.ledger import House
from tests.billing.committing import account_of, someone, use
from tests.cast import USD


@pytest.fixture(autouse=True)
def committing(django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def place():
    """A workspace with owner, admin and member, and 10 USD."""
    owner, workspace = someone()
    people = {"owner": owner, "admin": someone(workspace, "admin")[0], "member": someone(workspace, "member")[0]}
    add(workspace, 10, "first")
    yield workspace, {role: user.email for role, user in people.items()}
    alert_set(workspace=workspace, level_nanousd=None)


def add(workspace, usd: int, key: str) -> None:
    credit_add(
        account_id=account_of(workspace).pk,
        source=House.BANK,
        amount_nanousd=usd * USD,
        kind=TransferKind.DEPOSIT,
        idempotency_key=f"{workspace.pk}:{key}",
    )


def told(addresses) -> list[str]:
    """The roles that were told, once for each mail."""
    roles = {email: role for role, email in addresses.items()}
    return sorted(roles[mail.to_email] for mail in OutgoingMail.objects.filter(to_email__in=roles))


def test_it_comes_once_and_again_only_after_the_balance_recovered(place):
    workspace, addresses = place
    alert_set(workspace=workspace, level_nanousd=5 * USD)
    alerts_sweep()
    assert told(addresses) == []
    use(workspace, 5 * USD)
    alerts_sweep()
    assert told(addresses) == [], "at the level is not below it"
    use(workspace, 1)
    for _ in range(3):
        alerts_sweep()
    assert told(addresses) == ["admin", "owner"]
    mail = OutgoingMail.objects.filter(to_email=addresses["owner"]).get()
    assert "$4.999999999 is left in Acme, less than the $5.00" in mail.text
    add(workspace, 20, "second")
    alerts_sweep()
    use(workspace, 20 * USD)
    alerts_sweep()
    assert told(addresses) == ["admin", "admin", "owner", "owner"]


def test_sixteen_sweeps_at_once_write_one_mail_each(place):
    workspace, addresses = place
    alert_set(workspace=workspace, level_nanousd=50 * USD)
    barrier = threading.Barrier(16)

    def sweep(_) -> int:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            return alerts_sweep()
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(sweep, range(16))) == 1
    assert told(addresses) == ["admin", "owner"]


def test_another_level_begins_anew_and_the_same_one_does_not(place):
    workspace, addresses = place
    alert_set(workspace=workspace, level_nanousd=20 * USD)
    alerts_sweep()
    alert_set(workspace=workspace, level_nanousd=20 * USD)
    alerts_sweep()
    assert told(addresses) == ["admin", "owner"]
    alert_set(workspace=workspace, level_nanousd=30 * USD)
    alerts_sweep()
    assert told(addresses) == ["admin", "admin", "owner", "owner"]
    alert_set(workspace=workspace, level_nanousd=None)
    assert alert_get(workspace_id=workspace.pk) is None
    assert alerts_sweep() == 0


def test_a_sweep_is_one_query_however_many_workspaces_there_are(place, django_assert_num_queries):
    places = [someone()[1] for _ in range(20)]
    for workspace in places:
        add(workspace, 10, "first")
        alert_set(workspace=workspace, level_nanousd=USD)
    with django_assert_num_queries(3):  # with the transaction's begin and end
        assert alerts_sweep() == 0
