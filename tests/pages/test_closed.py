"""Account → Closed workspaces: whoever closed one reads its papers, and nobody else does."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import Membership, User, Workspace
from billing.papers.receipts import receipt_issue
from tests.billing.stripe.test_receipts import paid

NOW = datetime.now(UTC)


@pytest.fixture
def closed(database, owner) -> list[str]:
    """The owner's workspace with a receipt, closed; the addresses of its papers."""
    workspace = Workspace.objects.get(pk=owner.workspace_id)
    receipt = receipt_issue(payment=paid(workspace))
    Membership.objects.filter(workspace=workspace).delete()
    Workspace.objects.filter(pk=workspace.pk).update(closed_at=timezone.now(), closed_by=owner.user_id, name="closed 1")
    base = f"/closed-workspaces/{workspace.pk}"
    month = f"{base}/statements/{NOW:%Y-%m}"
    return [base, f"{base}/{receipt.number}.pdf", f"{month}.pdf", f"{month}.csv"]


def test_whoever_closed_it_reads_its_papers(signed_in, owner, closed):
    browser = signed_in(owner)
    assert closed[0] in browser.get("/closed-workspaces").content.decode()
    page = browser.get(closed[0]).content.decode()
    assert all(path in page for path in closed[1:])
    assert browser.get(closed[1]).content.startswith(b"%PDF-")
    for path in closed:
        assert browser.get(path).status_code == 200
        assert browser.post(path).status_code == 405
    assert browser.get(f"{closed[0]}/R-1999-000001.pdf").status_code == 404
    assert browser.get(f"{closed[0]}/statements/1999-01.pdf").status_code == 404


@pytest.mark.parametrize("who", ["member", "stranger", "broke", "operator", "logged_out"])
def test_nobody_else_does(request, signed_in, closed, stranger, who):
    if who == "operator":
        User.objects.filter(pk=stranger.user_id).update(is_staff=True)
    person = {"operator": "stranger"}.get(who, who)
    browser = (
        request.getfixturevalue("logged_out") if who == "logged_out" else signed_in(request.getfixturevalue(person))
    )
    for path in closed:
        assert browser.get(path).status_code == (302 if who == "logged_out" else 404)
    if who != "logged_out":
        assert closed[0] not in browser.get("/closed-workspaces").content.decode()


def test_one_that_is_open_is_not_here(signed_in, owner, closed):
    Workspace.objects.filter(pk=owner.workspace_id).update(closed_at=None)
    assert signed_in(owner).get(closed[0]).status_code == 404
