"""Who may come in: each sign-up mode, terms, and invitations."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Invitation, Membership, Role, User
from accounts.services import person_ensure
from accounts.services_invitations import InvitationOver, invitation_accept, invitation_create, invitation_find
from tests.accounts.people import address, link_path, newest_mail, user_of

NEW = "another-horse-battery-7"
TERMS = "https://acme.example/terms"


@pytest.fixture
def modal(browsers, web_factory):
    """A browser at a worker with settings of its own."""

    def start(**environment: str):
        return browsers(web_factory(**environment))

    return start


async def test_closed_says_whom_to_ask_and_lets_nobody_in(modal):
    browser = modal(XROUTE_SIGNUP="closed", XROUTE_SUPPORT_EMAIL="ask@acme.example")
    page = await browser.open("/account/signup/")
    assert "takes no new accounts" in page.text
    assert "ask@acme.example" in page.text
    assert "Sign up" not in (await browser.open("/account/login/")).text.split("</main>")[0].split("<main")[1]
    email = address()
    page = await browser.open("/account/login/")
    token = browser.http.cookies["csrftoken"]
    sent = await browser.http.post(
        "/account/signup/", data={"email": email, "password1": "correct-horse-9", "csrfmiddlewaretoken": token}
    )
    assert "takes no new accounts" in sent.text
    assert await user_of(email) is None
    made = await sync_to_async(invitation_create)(created_by=None)
    await browser.open("/invite/" + made.url.rpartition("/")[2])
    assert "takes no new accounts" in (await browser.open("/account/signup/")).text


async def test_a_domain_lets_in_its_own_addresses_only(modal):
    browser = modal(XROUTE_SIGNUP="domain:acme.example,acme.test")
    outside, inside = address(), address().replace("example.com", "acme.test")
    page = await browser.sign_up(outside)
    assert "Only addresses of acme.example or acme.test" in page.text.replace("&#x27;", "'")
    assert await user_of(outside) is None
    sneaky = address().replace("example.com", "notacme.test")
    await browser.sign_up(sneaky)
    assert await user_of(sneaky) is None
    await browser.sign_up(inside)
    assert await user_of(inside) is not None


async def test_an_invited_person_of_another_domain_resets_their_password(modal):
    browser, email = modal(XROUTE_SIGNUP="domain:acme.test"), address()
    made = await sync_to_async(invitation_create)(created_by=None)
    await browser.open("/invite/" + made.url.rpartition("/")[2])
    await browser.sign_up(email)
    await browser.confirm(email)
    await browser.log_out()
    page = await browser.send("/account/password/reset/", email=email.upper())
    assert page.url.path == "/account/password/reset/done/", page.text[-3000:]
    other = await sync_to_async(invitation_create)(created_by=None, email=address())
    await browser.open("/invite/" + other.url.rpartition("/")[2])
    page = await browser.send("/account/password/reset/", email=email)
    assert page.url.path == "/account/password/reset/done/"
    page = await browser.open(link_path(await newest_mail(email)))
    page = await browser.submit(page, page.url.path, password1=NEW, password2=NEW)
    assert "Your new password is saved" in page.text
    assert (await browser.log_in(email, NEW)).url.path == "/overview"


async def test_an_invitation_lets_one_person_in_and_works_once(modal, browsers, web_factory):
    browser = modal(XROUTE_SIGNUP="invite", XROUTE_SUPPORT_EMAIL="ask@acme.example")
    page = await browser.open("/account/signup/")
    assert "By invitation" in page.text
    assert "ask@acme.example" in page.text
    made = await sync_to_async(invitation_create)(created_by=None)
    path = "/invite/" + made.url.rpartition("/")[2]
    assert "You are invited" in (await browser.open(path)).text
    email = address()
    page = await browser.sign_up(email)
    assert "Look into your mailbox" in page.text
    user = await user_of(email)
    assert (await Invitation.objects.aget(pk=made.invitation.pk)).accepted_by_id == user.pk
    page = await browser.open(path)
    assert page.status_code == 410
    assert "is over" in page.text


async def test_an_invitation_to_a_workspace_is_for_its_address_and_makes_a_member(modal, rows):
    browser = modal(XROUTE_SIGNUP="invite")
    email = address()
    _, workspace = await sync_to_async(person_ensure)(email=address())
    await sync_to_async(invitation_create)(created_by=None, email=email, workspace=workspace, role=Role.ADMIN)
    mail = await newest_mail(email)
    assert mail.subject.startswith("You are invited")
    path = "/invite/" + mail.text.split("/invite/")[1].split()[0]
    await browser.open(path)
    page = await browser.sign_up(address())
    assert "This invitation is for another address" in page.text
    await browser.sign_up(email)
    user = await user_of(email)
    roles = [row.role async for row in Membership.objects.filter(user=user).order_by("workspace_id")]
    assert sorted(roles) == ["admin", "owner"]


async def test_somebody_who_is_in_joins_by_a_post(browser):
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    _, workspace = await sync_to_async(person_ensure)(email=address())
    made = await sync_to_async(invitation_create)(created_by=None, workspace=workspace)
    path = "/invite/" + made.url.rpartition("/")[2]
    page = await browser.open(path)
    assert workspace.name.split("'")[0] in page.text
    assert await Membership.objects.filter(workspace=workspace, user__email=email).acount() == 0
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    await browser.http.post(path, data={"csrfmiddlewaretoken": token})
    assert await Membership.objects.filter(workspace=workspace, user__email=email, role="member").acount() == 1


async def test_terms_are_ticked_and_kept_with_their_time(modal):
    browser = modal(XROUTE_TERMS_URL=TERMS)
    email = address()
    page = await browser.sign_up(email)
    assert "needs your agreement" in page.text
    assert TERMS in page.text
    assert await user_of(email) is None
    before = timezone.now()
    await browser.sign_up(email, terms="on")
    assert before <= (await user_of(email)).terms_accepted_at <= timezone.now()


@pytest.mark.django_db
def test_an_invitation_ends_is_withdrawn_and_belongs_to_its_address():
    invited, _ = person_ensure(email=address())
    other, _ = person_ensure(email=address())
    made = invitation_create(created_by=None, email=invited.email, send=False)
    token = made.url.rpartition("/")[2]
    with pytest.raises(InvitationOver, match="is for"):
        invitation_accept(invitation=made.invitation, user=other)
    invitation_accept(invitation=made.invitation, user=invited)
    with pytest.raises(InvitationOver, match="used already"):
        invitation_accept(invitation=made.invitation, user=invited)
    assert invitation_find(token=token) is None
    late = invitation_create(created_by=None)
    Invitation.objects.filter(pk=late.invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert invitation_find(token=late.url.rpartition("/")[2]) is None
    assert invitation_find(token="nonsense") is None


@pytest.mark.django_db
def test_the_command_prints_the_link_and_mails_it(capsys):
    email = address()
    call_command("invite", email)
    url = capsys.readouterr().out.split()[0]
    assert invitation_find(token=url.rpartition("/")[2]).email == email
    assert User.objects.filter(email=email).count() == 0
