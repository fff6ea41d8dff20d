"""/workspace/close: for an owner who has just proved that it is them."""

import time

import pytest

from accounts.models import User, Workspace


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


@pytest.mark.commits
def test_an_owner_closes_it_and_then_it_cannot_be_chosen(signed_in, owner):
    browser, name = proved(signed_in(owner)), Workspace.objects.get(pk=owner.workspace_id).name
    assert "$100.00" in browser.get("/workspace/close").content.decode()
    refused = browser.post("/workspace/close", {"choice": "forfeit", "name": "x"})
    assert (refused.status_code, "type the workspace" in refused.content.decode()) == (422, True)
    assert browser.post("/workspace/close", {"choice": "forfeit", "name": name}).status_code == 302
    assert "is closed" in browser.get("/account/").content.decode()
    assert browser.post("/workspace/switch", {"workspace": str(owner.workspace_id)}).status_code == 404
    assert browser.get("/overview").status_code == 302
