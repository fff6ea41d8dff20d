"""Whoever fails to log in is slowed down, and nobody else: a stranger cannot lock a person out."""

from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.accounts.browsers import somewhere
from tests.accounts.people import PASSWORD, address, link_path, newest_mail

WRONG = "wrong-password-1"


async def known(browser) -> str:
    email = address()
    await browser.sign_up(email)
    await browser.confirm(email)
    return email


async def locked_out(browser, email) -> None:
    for _ in range(5):
        sent = await browser.log_in(email, WRONG)
        assert (sent.status_code, "do not belong together" in sent.text) == (422, True)
    sent = await browser.log_in(email)  # the right password too
    assert sent.status_code == 429
    assert sent.headers["retry-after"] == "300"
    assert "Too many tries for this address" in sent.text
    assert 'action="/account/login/"' in sent.text  # the same form


async def test_a_strangers_failures_lock_out_the_stranger_and_not_the_owner(browsers, web):
    email = await known(browsers(web))
    stranger, owner = browsers(web), browsers(web)
    await locked_out(stranger, email)
    sent = await owner.log_in(email)
    assert (sent.status_code, sent.url.path) == (200, "/overview")
    assert (await stranger.log_in(email)).status_code == 429


async def test_an_owner_who_failed_gets_in_by_a_reset(browsers, web):
    owner = browsers(web)
    email = await known(owner)
    await owner.log_out()
    await locked_out(owner, email)
    await owner.send("/account/password/reset/", email=email)
    page = await owner.open(link_path(await newest_mail(email)))
    await owner.submit(page, page.url.path, password1=PASSWORD, password2=PASSWORD)
    assert (await owner.log_in(email)).url.path == "/overview"


async def test_another_forwarded_address_does_not_make_another_caller(browsers, web):
    email = await known(browsers(web))
    stranger = browsers(web)
    await locked_out(stranger, email)
    stranger.http.headers["X-Forwarded-For"] = "203.0.113.9"
    assert (await stranger.log_in(email)).status_code == 429


async def test_behind_a_trusted_proxy_it_is_the_peer_of_the_proxy_that_counts(browsers, web_factory):
    proxy = somewhere()
    process = web_factory(XROUTE_TRUSTED_PROXIES=proxy)
    stranger, owner = browsers(process, proxy), browsers(process, proxy)
    owner.http.headers["X-Forwarded-For"] = "198.51.100.7"
    stranger.http.headers["X-Forwarded-For"] = "203.0.113.9"
    email = await known(owner)
    await owner.log_out()
    await locked_out(stranger, email)
    # What a caller claims stands before what the proxy adds; only the last one is believed.
    stranger.http.headers["X-Forwarded-For"] = "192.0.2.1, 203.0.113.9"
    assert (await stranger.log_in(email)).status_code == 429
    assert (await owner.log_in(email)).url.path == "/overview"


def test_guessing_from_many_addresses_meets_a_limit_too(rows, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "7/h/key"}
    cache.clear()
    email = address()
    User.objects.create_user(email, PASSWORD)

    def log_in(password) -> int:
        return (
            Client(REMOTE_ADDR=somewhere()).post("/account/login/", {"login": email, "password": password}).status_code
        )

    assert {log_in(PASSWORD) for _ in range(9)} == {302}  # what succeeds does not count
    assert [log_in(WRONG) for _ in range(8)] == [422] * 7 + [429]
    assert log_in(PASSWORD) == 429
