"""/overview: balance, today, and how to begin."""

import pytest


def test_it_shows_the_balance_and_the_first_call_at_this_address(signed_in, owner):
    text = signed_in(owner).get("/overview").content.decode()
    assert "$100.00" in text
    assert "/openai/v1/chat/completions" in text
    assert "Bearer $XROUTE_API_KEY&quot;" in text
    assert "Make the first call" in text


def test_without_credit_the_banner_offers_the_one_button_that_mends_it(signed_in, broke):
    text = signed_in(broke).get("/overview").content.decode()
    assert "has no credit" in text
    assert 'href="/credits">Add credit' in text


def test_a_member_sees_the_workspace_and_is_not_asked_to_pay(signed_in, member):
    text = signed_in(member).get("/overview").content.decode()
    assert "$100.00" in text
    assert "Add credit</a>" not in text.split("<main")[1]


def test_htmx_gets_the_figures_alone(signed_in, owner):
    text = signed_in(owner).get("/overview", headers={"HX-Request": "true"}).content.decode()
    assert "Spent today" in text
    assert "<html" not in text


def test_another_workspace_is_shown_only_to_its_members(signed_in, member, owner, stranger):
    browser = signed_in(member)
    assert browser.post("/workspace/switch", {"workspace": stranger.workspace_id}).status_code == 404
    assert browser.post("/workspace/switch", {"workspace": "x"}).status_code == 404
    assert browser.post("/workspace/switch", {"workspace": owner.workspace_id}).status_code == 302
    assert browser.get("/workspace/switch").status_code == 405


def test_logged_out_one_is_asked_to_log_in(logged_out):
    assert logged_out.get("/overview")["location"].startswith("/account/login/")


def test_a_person_of_no_workspace_is_told_so(signed_in, owner):
    from accounts.models import Membership

    browser = signed_in(owner)
    Membership.objects.filter(user_id=owner.user_id).delete()
    answer = browser.get("/overview", follow=True)
    assert "You are in no workspace" in answer.content.decode()


@pytest.mark.parametrize("error", ["OperationalError", "InterfaceError"])
def test_a_database_away_is_a_503_page_never_a_500(signed_in, owner, monkeypatch, error):
    import django.db

    import routing.pages.overview as module

    browser = signed_in(owner)
    browser.raise_request_exception = False

    def fail(_workspace):
        raise getattr(django.db, error)("gone")

    monkeypatch.setattr(module, "today", fail)
    answer = browser.get("/overview")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Back in a moment" in answer.content.decode()
    monkeypatch.setattr(module, "today", lambda _workspace: 1 / 0)
    assert browser.get("/overview").status_code == 500


@pytest.mark.parametrize("path", ["/models", "/overview", "/keys", "/usage"])
def test_the_banner_is_about_the_workspace_that_is_shown(signed_in, owner, broke, path):
    assert "has no credit" not in signed_in(owner).get(path).content.decode()
    assert "has no credit" in signed_in(broke).get(path).content.decode()


def test_while_no_calls_are_taken_every_page_says_why(signed_in, owner, monkeypatch):
    from types import SimpleNamespace

    import routing.context as module

    monkeypatch.setattr(module, "current", lambda: SimpleNamespace(ready="the database is away"))
    text = signed_in(owner).get("/keys").content.decode()
    assert "Calls are refused for the moment: the database is away" in text
    assert "Look again" in text
