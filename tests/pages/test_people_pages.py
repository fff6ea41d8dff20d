"""The person's pages, the demo mailbox and the operator's mail, as everyone who may try them."""

import pytest
from django.test import Client

from accounts.mail.compose import mail_write
from accounts.models import OutgoingMail, User, Workspace
from accounts.pages.account import zone_names
from accounts.services import person_ensure
from tests.accounts.people import address
from xroute.lib import mail_url

OPERATOR = ("/operator/mail", "/operator/invitations")
PERSON = ("/account/", "/account/email/", "/account/password/set/", "/account/2fa/", "/account/sessions/")


def client_of(**values) -> Client:
    user, _ = person_ensure(email=address())
    User.objects.filter(pk=user.pk).update(**values)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("path", PERSON + OPERATOR)
def test_pages_ask_to_log_in_and_operators_pages_are_for_operators(db, path):
    assert Client().get(path).status_code == 302
    assert client_of(name="x").get(path).status_code == (403 if path in OPERATOR else 200)
    assert client_of(is_staff=True).get(path).status_code == 200


def test_an_operator_reads_why_a_mail_waits_and_tries_it_again_without_seeing_its_links(db, settings):
    mail_write(to=address(), subject="Hello", body="https://acme.example/secret")
    mail = OutgoingMail.objects.latest("id")
    OutgoingMail.objects.filter(pk=mail.pk).update(
        sent_at=None, given_up_at=mail.sent_at, error="no route", attempts=12
    )
    operator = client_of(is_staff=True)
    page = operator.get("/operator/mail").content.decode()
    assert "no route" in page
    assert "acme.example/secret" not in page
    assert client_of(name="x").post(f"/operator/mail/{mail.pk}/again").status_code == 403
    assert operator.get(f"/operator/mail/{mail.pk}/again").status_code == 405
    operator.post(f"/operator/mail/{mail.pk}/again")
    mail.refresh_from_db()
    assert (mail.given_up_at, mail.attempts) == (None, 0)
    assert mail.next_try_at is not None


def test_the_mailbox_is_the_demos_only_and_its_links_can_be_clicked(db, settings):
    mail_write(to=address(), subject="Hello", body="<b> https://acme.example/x?a=1&b=2")
    mail = OutgoingMail.objects.latest("id")
    paths = ("/mailbox", f"/mailbox/{mail.pk}")
    assert [Client().get(path).status_code for path in paths] == [404, 404]
    settings.XROUTE_MODE = "demo"
    assert mail.subject in Client().get(paths[0]).content.decode()
    text = Client().get(paths[1]).content.decode()
    assert 'href="https://acme.example/x?a=1&amp;b=2"' in text
    assert "&lt;b&gt;" in text


LINKS = ("/account/confirm-email/", "/account/password/reset/done/", "/keys")


def test_a_demo_that_sends_its_mails_offers_no_mailbox(db, settings):
    mail_write(to=address(), subject="Hello", body="https://acme.example/secret")
    mail = OutgoingMail.objects.latest("id")
    settings.XROUTE_MODE = "demo"
    operator = client_of(is_staff=True)
    for kept in (True, False):
        settings.XROUTE_MAIL_SERVER = mail_url.parse("mailbox:" if kept else "smtp://mail.acme.example:587")
        assert {Client().get(path).status_code for path in ("/mailbox", f"/mailbox/{mail.pk}")} == {
            200 if kept else 404
        }
        assert [('href="/mailbox"' in operator.get(path).content.decode()) for path in LINKS] == [kept] * 3
        assert ('href="/mailbox"' in operator.get("/operator/mail").content.decode()) is kept
    assert "go out through mail.acme.example:587" in operator.get("/operator/mail").content.decode()


def test_names_of_people_and_workspaces_hold_what_can_be_seen(db):
    operator = client_of(is_staff=True, is_superuser=True)
    workspace = Workspace.objects.latest("id")
    page = operator.post("/account/", {"name": "Eve\u202e", "time_zone": ""})
    assert "invisible mark of direction (U+202E" in page.content.decode()
    page = operator.post(f"/admin/accounts/workspace/{workspace.pk}/change/", {"name": "Acme\u2067"})
    assert "invisible mark of direction (U+2067" in page.content.decode()
    assert Workspace.objects.get(pk=workspace.pk).name == workspace.name
    page = operator.post("/operator/invitations", {"email": f"{'x' * 65}@example.com"})
    assert (page.status_code, "at most 64 characters before the @" in page.content.decode()) == (422, True)
    assert operator.post("/operator/invitations", {"email": ""}).status_code == 200
    assert operator.post("/operator/invitations").status_code == 200, "an invitation for nobody in particular"


def test_zones_are_listed_by_their_own_names_and_a_stored_alias_is_kept(db):
    names = zone_names()
    assert {"Europe/Berlin", "Asia/Kolkata", "Europe/Kyiv"} <= set(names)
    assert not {"Asia/Calcutta", "Europe/Kiev", "US/Eastern", "Etc/GMT+1"} & set(names)
    person = client_of(time_zone="Asia/Calcutta")
    page = person.get("/account/").content.decode()
    assert ("<option selected>Asia/Calcutta</option>" in page, page.count("<option selected>")) == (True, 1)
    assert "Asia/Calcutta" not in client_of(time_zone="Asia/Kolkata").get("/account/").content.decode()
    assert person.post("/account/", {"name": "Ada", "time_zone": "Asia/Calcutta"}).status_code == 302


def test_zones_without_the_systems_table_are_those_there_are(monkeypatch, tmp_path):
    monkeypatch.setattr("zoneinfo.TZPATH", (str(tmp_path),))
    monkeypatch.setattr("zoneinfo.available_timezones", lambda: {"Etc/UTC", "UTC", "Europe/Berlin"})
    assert zone_names.__wrapped__() == ["Europe/Berlin"]


@pytest.mark.parametrize("path", ["/operator", "/operator/"])
def test_the_operators_first_page_is_the_settings(db, path):
    assert client_of(is_staff=True).get(path, follow=True).redirect_chain == [("/operator/settings", 302)]
    assert client_of(name="x").get(path, follow=True).status_code == 403
