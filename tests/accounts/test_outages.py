"""Mail or Redis away: signing up, logging in and resetting go on, and nobody is left locked out."""

import os
import signal
import time

import pytest
from asgiref.sync import sync_to_async

from accounts import tasks
from accounts.models import OutgoingMail
from tests.accounts.mail_server import Server
from tests.accounts.people import PASSWORD, address, link_path, mails_to, newest_mail, user_of
from xroute.embedded.home import free_port, open_home
from xroute.embedded.places import make
from xroute.embedded.valkey import Valkey
from xroute.lib import mail_url


async def due_now(email: str) -> None:
    await OutgoingMail.objects.filter(to_email=email, sent_at=None).aupdate(next_try_at="2020-01-01T00:00:00Z")


async def test_with_the_mail_server_down_a_person_signs_up_and_gets_in_once_it_is_back(browsers, web_factory, settings):
    port = free_port()
    browser = browsers(web_factory(EMAIL_URL=f"smtp://127.0.0.1:{port}"))
    email = address()
    page = await browser.sign_up(email)
    assert (page.status_code, page.url.path) == (200, "/account/confirm-email/")
    settings.XROUTE_MAIL_SERVER = mail_url.parse(f"smtp://127.0.0.1:{port}")
    await due_now(email)
    await sync_to_async(tasks.send_mail)()  # the real task, at a closed port
    mail = await newest_mail(email)
    assert (mail.sent_at, mail.attempts) == (None, 1)
    assert "refused" in mail.error

    # Neither log-in, nor a second sign-up, nor a reset breaks; each says the same as ever.
    assert "Look into your mailbox" in (await browser.log_in(email)).text
    await browser.submit(browser.page, "/account/logout/")
    assert "Look into your mailbox" in (await browser.sign_up(email)).text
    await browser.submit(browser.page, "/account/logout/")
    page = await browser.send("/account/password/reset/", email=email)
    assert page.url.path == "/account/password/reset/done/"
    confirm = link_path(mail)

    with Server(port) as server:
        await due_now(email)
        await sync_to_async(tasks.send_mail)()
    assert any(confirm.rpartition("/confirm-email/")[2][:12] in text.replace("=\n", "") for text in server.arrived)
    assert all(row.sent_at for row in await mails_to(email))
    page = await browser.submit(await browser.open(confirm), "/account/confirm-email/")
    page = await browser.log_in(email) if page.url.path == "/account/login/" else page
    assert page.url.path == "/overview"


@pytest.fixture
def valkey(tmp_path):
    """A Redis of this test's own."""
    tmp_path.chmod(0o711)
    home = open_home(make(tmp_path / "home", 0o700))
    found: Valkey = home.valkey()
    found.start()
    yield found
    if found.child is not None:
        found.child.send_signal(signal.SIGCONT)
    found.stop()


@pytest.mark.parametrize("how", ["stopped", "hanging"])
async def test_with_redis_away_people_sign_up_log_in_and_reset_and_limits_still_hold(
    browsers, web_factory, valkey, how
):
    process = web_factory(REDIS_URL=valkey.url, EMAIL_URL=f"smtp://127.0.0.1:{free_port()}")
    if how == "stopped":
        valkey.stop()
    else:
        os.kill(valkey.child.pid, signal.SIGSTOP)
    browser = browsers(process)
    email = address()
    page = await browser.open("/account/signup/")
    before = time.monotonic()
    page = await browser.submit(page, "/account/signup/", email=email, password1=PASSWORD)
    assert page.url.path == "/account/confirm-email/"
    # Once half a second for the cache; the mail's bell rings in a thread of its own. The rest is a slow machine.
    assert time.monotonic() - before < 8
    assert await user_of(email) is not None
    assert (await browser.confirm(email)).url.path == "/overview"
    other = browsers(process)
    assert (await other.log_in(email)).url.path == "/overview"
    third = browsers(process)
    assert (await third.send("/account/password/reset/", email=email)).url.path == "/account/password/reset/done/"
    wrong = browsers(process)
    texts = [(await wrong.log_in(email, "wrong-password-1")).text for _ in range(6)]
    assert "do not belong together" in texts[0]
    assert "Too many tries" in texts[-1]
