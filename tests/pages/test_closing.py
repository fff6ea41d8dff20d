"""/workspace/close: for an owner who has just proved that it is them."""

import time

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.services import workspace_create
from billing.models import CreditAccount
from tests.cast import USD


def proved(browser):
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session.save()
    return browser


@pytest.mark.parametrize("who", ["member", "admin", "logged_out", "operator"])
def test_only_the_owner_comes_in(request, signed_in, make_person, owner, who):
    if who == "logged_out":
        browser = request.getfixturevalue("logged_out")
    elif who == "operator":
        person = make_person(workspace_id=owner.workspace_id, role="member")
        User.objects.filter(pk=person.user_id).update(is_staff=True)
        browser = proved(signed_in(person))
    else:
        browser = proved(signed_in(make_person(workspace_id=owner.workspace_id, role=who)))
    expected = 302 if who == "logged_out" else 403
    for answer in (browser.get("/workspace/close"), browser.post("/workspace/close", {"choice": "forfeit"})):
        assert answer.status_code == expected
    assert Workspace.objects.get(pk=owner.workspace_id).closed_at is None


def test_an_old_log_in_is_asked_for_another_proof(signed_in, owner):
    user = User.objects.get(pk=owner.user_id)
    user.set_password("correct-horse-battery-9")
    user.save()
    browser = signed_in(owner)
    for answer in (browser.get("/workspace/close"), browser.post("/workspace/close")):
        assert answer.status_code == 302
        assert answer["location"].startswith("/account/reauthenticate/")


def form(person, **values) -> dict:
    name = Workspace.objects.get(pk=person.workspace_id).name
    return {"workspace": str(person.workspace_id), "choice": "forfeit", "name": name} | values


@pytest.mark.parametrize("who", ["member", "admin", "logged_out", "stranger", "operator"])
def test_only_the_owner_cancels(request, signed_in, make_person, owner, stranger, who):
    Workspace.objects.filter(pk=owner.workspace_id).update(closing_at=timezone.now())
    browser = request.getfixturevalue("logged_out")
    if who == "stranger":
        browser = signed_in(stranger)
    elif who != "logged_out":
        person = make_person(workspace_id=owner.workspace_id, role="member" if who == "operator" else who)
        User.objects.filter(pk=person.user_id).update(is_staff=who == "operator")
        browser = signed_in(person)
    answer = browser.post("/workspace/close/cancel", {"workspace": str(owner.workspace_id)})
    assert answer.status_code == (302 if who in ("logged_out", "stranger") else 403)
    assert Workspace.objects.get(pk=owner.workspace_id).closing_at is not None


@pytest.mark.commits
def test_an_owner_closes_it_and_then_it_cannot_be_chosen(signed_in, owner):
    browser, sent = proved(signed_in(owner)), form(owner)
    assert "$100.00" in browser.get("/workspace/close").content.decode()
    refused = browser.post("/workspace/close", sent | {"name": "x"})
    assert (refused.status_code, "type the workspace" in refused.content.decode()) == (422, True)
    assert browser.post("/workspace/close", sent | {"workspace": ""}).status_code == 422
    answer = browser.post("/workspace/close", sent)
    assert (answer.status_code, answer["location"]) == (302, f"/closed-workspaces/{owner.workspace_id}")
    assert "Its keys no longer work" in browser.get(answer["location"]).content.decode()
    assert browser.post("/workspace/switch", {"workspace": str(owner.workspace_id)}).status_code == 404
    assert browser.get("/overview").status_code == 302


@pytest.mark.commits
def test_the_second_of_a_double_click_ends_on_the_same_page_and_closes_nothing_else(signed_in, owner):
    other = workspace_create(owner=User.objects.get(pk=owner.user_id), name="other")
    browser, sent = proved(signed_in(owner)), form(owner)
    first, second = (browser.post("/workspace/close", sent) for _ in range(2))
    assert (first.status_code, first["location"]) == (second.status_code, second["location"])
    assert first["location"] == f"/closed-workspaces/{owner.workspace_id}"
    assert Workspace.objects.get(pk=other.pk).closing_at is None


@pytest.mark.commits
def test_while_calls_run_the_page_waits_and_may_be_left_or_cancelled(signed_in, owner, monkeypatch):
    monkeypatch.setattr("billing.closing.RECALL_S", 0.1)
    account = CreditAccount.objects.filter(pk=owner.account_id)
    account.update(reserved=2 * USD)
    browser, sent, named = proved(signed_in(owner)), form(owner), {"workspace": str(owner.workspace_id)}
    assert browser.post("/workspace/close", sent)["location"] == "/workspace/close"
    text = browser.get("/workspace/close").content.decode()
    assert "Waiting for calls that still run" in text
    assert "$2.00" in text
    assert browser.post("/workspace/close/cancel", {"workspace": "1"})["location"] == "/account/"
    assert Workspace.objects.get(pk=owner.workspace_id).closing_at is not None
    assert "is kept" in browser.post("/workspace/close/cancel", named, follow=True).content.decode()
    assert Workspace.objects.get(pk=owner.workspace_id).closing_at is None
    browser.post("/workspace/close", sent)
    account.update(reserved=0)
    answer = browser.get("/workspace/close", named, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == f"/closed-workspaces/{owner.workspace_id}"
    assert Workspace.objects.get(pk=owner.workspace_id).closed_at is not None
    assert browser.post("/workspace/close/cancel", named)["location"] == answer["HX-Redirect"]
