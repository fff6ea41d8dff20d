"""From nobody to a person with a workspace, over real HTTP, with the mails that the outbox holds."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Membership, User
from billing.models import CreditAccount, Transfer
from tests.accounts.people import CONFIRM, PASSWORD, address, link_path, mails_to, newest_mail, user_of

SIGNUP_CREDIT_NANOUSD = 1_000_000_000


async def balance_of(user: User) -> int:
    row = await CreditAccount.objects.aget(workspace__membership__user=user, workspace__membership__role="owner")
    return row.posted


async def gifts_of(user: User) -> int:
    return await Transfer.objects.filter(idempotency_key=f"signup:{user.pk}").acount()


async def test_a_person_signs_up_confirms_and_is_in_with_a_workspace_and_the_credit(browser):
    email = address()
    browser.http.cookies.set("xr_tz", "Asia%2FKolkata")
    page = await browser.sign_up(email)
    assert page.url.path == "/account/confirm-email/"
    assert "Look into your mailbox" in page.text
    user = await user_of(email)
    assert user.time_zone == "Asia/Kolkata"
    assert user.password.startswith("argon2")
    assert await Membership.objects.filter(user=user, role="owner").acount() == 1
    assert await balance_of(user) == 0
    assert (await browser.open("/overview")).url.path == "/account/login/"  # not before the confirmation

    mail = await newest_mail(email)
    assert mail.subject.startswith("Confirm your address")
    assert mail.html.count("href=") >= 2
    assert f"{link_path(mail)}" in mail.html
    page = await browser.confirm(email)
    assert page.url.path == "/overview"  # the same browser is logged in by it
    assert await balance_of(user) == SIGNUP_CREDIT_NANOUSD
    assert await gifts_of(user) == 1


async def test_a_confirmation_in_another_browser_logs_nobody_in(browser, browsers, web):
    email = address()
    await browser.sign_up(email)
    other = browsers(web)
    page = await other.confirm(email)
    assert page.url.path == "/account/login/"
    assert "is confirmed" in page.text
    page = await other.log_in(email)
    assert page.url.path == "/overview"


async def test_log_out_needs_a_post_and_ends_the_session(browser):
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    page = await browser.open("/account/logout/")
    assert "Log out?" in page.text
    assert (await browser.open("/account/")).url.path == "/account/"
    await browser.log_out()
    assert (await browser.open("/account/")).url.path == "/account/login/"


async def test_a_forgotten_password_is_reset_once_by_its_link(browser, browsers, web):
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    other = browsers(web)
    page = await other.send("/account/password/reset/", email=email)
    assert page.url.path == "/account/password/reset/done/"
    link = link_path(await newest_mail(email))
    page = await other.open(link)
    new = "another-horse-battery-7"
    page = await other.submit(page, page.url.path, password1=new, password2=new)
    assert "Your new password is saved" in page.text
    assert "does not work" in (await other.open(link)).text
    assert "do not belong together" in (await other.log_in(email, PASSWORD)).text
    assert (await other.log_in(email, new)).url.path == "/overview"
    assert (await newest_mail(email)).subject.startswith("Your password was changed")


async def test_a_lost_confirmation_is_mended_by_a_reset(browser):
    email = address()
    await browser.sign_up(email)
    await browser.send("/account/password/reset/", email=email)
    page = await browser.open(link_path(await newest_mail(email)))
    page = await browser.submit(page, page.url.path, password1=PASSWORD, password2=PASSWORD)
    page = await browser.log_in(email)
    assert page.url.path == "/overview"
    assert await gifts_of(await user_of(email)) == 1


async def test_password_and_address_are_changed_by_their_owner(browser):
    email, new_email, new = address(), address(), "another-horse-battery-7"
    await browser.sign_up(email)
    await browser.confirm(email)
    page = await browser.send("/account/password/change/", oldpassword="wrong", password1=new, password2=new)
    assert "current password" in page.text
    page = await browser.send("/account/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert "Your password is changed" in page.text
    page = await browser.proved(await browser.send("/account/email/", email=new_email, action_add=""), new)
    assert f"<strong>{new_email}</strong> becomes your address" in page.text
    await browser.confirm(new_email)
    user = await User.objects.aget(email=new_email)
    assert (await mails_to(email))[-1].subject.startswith("Your address was changed")
    assert await gifts_of(user) == 1  # a second address brings no second credit
    await browser.log_out()
    assert (await browser.log_in(new_email, new)).url.path == "/overview"


async def test_the_account_page_keeps_name_and_zone(browser):
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    page = await browser.send("/account/", name="Ada", time_zone="Australia/Lord_Howe")
    assert "Saved." in page.text
    user = await user_of(email)
    assert (user.name, user.time_zone) == ("Ada", "Australia/Lord_Howe")
    page = await browser.send("/account/", name="Ada", time_zone="Mars/Olympus")
    assert "no time zone of that name" in page.text


async def test_twenty_confirmations_at_once_give_the_credit_once(browser, browsers, web):
    email = address()
    await browser.sign_up(email)
    path = link_path(await newest_mail(email))
    others = [browsers(web) for _ in range(20)]
    pages = await asyncio.gather(*(other.open(path) for other in others))
    sent = await asyncio.gather(
        *(other.submit(page, CONFIRM) for other, page in zip(others, pages, strict=True)), return_exceptions=True
    )
    assert {answer.status_code for answer in sent} <= {200, 404}
    user = await user_of(email)
    assert await gifts_of(user) == 1
    assert await balance_of(user) == SIGNUP_CREDIT_NANOUSD


@pytest.mark.parametrize("password", ["short", "password123", "1234567890123"])
async def test_weak_passwords_are_refused_with_a_reason(browser, password):
    email = address()
    page = await browser.sign_up(email, password)
    assert page.url.path == "/account/signup/"
    assert 'class="errorlist"' in page.text
    assert await user_of(email) is None


async def test_two_sign_ups_at_once_with_one_address_make_one_person(browsers, web):
    email = address()
    pair = [browsers(web), browsers(web)]
    pages = await asyncio.gather(*(one.sign_up(email) for one in pair))
    assert [page.url.path for page in pages] == ["/account/confirm-email/"] * 2
    assert await User.objects.filter(email=email).acount() == 1
    assert await sync_to_async(Membership.objects.filter(user__email=email).count)() == 1


async def test_an_address_that_no_mail_server_takes_is_refused_with_the_reason(browser):
    for email in (f"{'x' * 65}@example.com", f"x@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example.com"):
        page = await browser.sign_up(email)
        assert page.status_code == 422
        assert "at most 64 characters before the @" in page.text
        assert await user_of(email) is None
    longest = f"{address().partition('@')[0]}{'x' * 52}@example.com"
    assert (await browser.sign_up(longest)).url.path == "/account/confirm-email/"
    assert await Membership.objects.filter(user__email=longest).acount() == 1
