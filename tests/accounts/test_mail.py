"""The outbox: written with what caused it, retried, given up, never sent twice at once; and its addresses."""

import asyncio
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as live
from django.core.mail import send_mail as django_send_mail
from django.db import connection, transaction
from django.utils import timezone

from accounts import tasks
from accounts.mail import bell
from accounts.mail.compose import mail_write
from accounts.mail.delivery import message_of
from accounts.mail.outbox import ATTEMPTS_MAX, mail_claim, mail_prune, mail_retry
from accounts.models import OutgoingMail
from tests.accounts.mail_server import Server
from xroute.embedded.home import free_port
from xroute.lib import mail_url
from xroute.lib.env import BadSetting


@pytest.fixture
def server(settings):
    with Server() as found:
        settings.XROUTE_MAIL_SERVER = mail_url.parse(found.url)
        yield found


@pytest.fixture
def rung(monkeypatch):
    """The bell is only counted."""
    rings: list[int] = []
    monkeypatch.setattr("accounts.mail.backend.ring", lambda: rings.append(1))
    return rings


@pytest.fixture
def alone():
    """No mail but the test's own."""
    OutgoingMail.objects.all().delete()


def write(to: str = "ada@example.com") -> OutgoingMail:
    mail_write(to=to, subject="Hello", body="First.\n\nhttps://acme.example/x?a=1&b=2\n\nLast <b>.")
    return OutgoingMail.objects.latest("id")


def later(mail: OutgoingMail) -> None:
    """Time passes until the next try is due."""
    OutgoingMail.objects.filter(pk=mail.pk).update(next_try_at=timezone.now())


@pytest.mark.django_db
def test_a_mail_arrives_once_as_text_and_html_and_its_links_are_not_kept(alone, server, rung):
    mail = write()
    assert mail.sent_at is None
    assert tasks.send_mail() == 1
    assert tasks.send_mail() == 0
    mail.refresh_from_db()
    assert mail.sent_at is not None
    assert (mail.text, mail.html, mail.attempts) == ("", "", 1)
    [arrived] = server.arrived
    assert "To: ada@example.com" in arrived
    assert "Auto-Submitted: auto-generated" in arrived
    assert "text/html" in arrived
    assert "&amp;b=3D2" in arrived or "&amp;b=2" in arrived
    assert "Last &lt;b&gt;." in arrived


@pytest.mark.django_db
def test_the_mail_goes_with_the_transaction_that_wrote_it(rung, settings, django_capture_on_commit_callbacks):
    settings.XROUTE_MAIL_SERVER = mail_url.parse("smtp://127.0.0.1:1")
    to = f"{uuid4().hex}@example.com"
    with transaction.atomic():
        write(to)
        transaction.set_rollback(True)
    assert not OutgoingMail.objects.filter(to_email=to).exists()
    assert not rung
    with django_capture_on_commit_callbacks(execute=True):
        write(to)
    assert rung == [1]


@pytest.mark.django_db
def test_a_server_that_is_down_is_tried_again_later_and_given_up_in_the_end(alone, settings, rung):
    settings.XROUTE_MAIL_SERVER = mail_url.parse(f"smtp://127.0.0.1:{free_port()}")
    mail = write()
    waits = []
    for attempt in range(1, ATTEMPTS_MAX + 1):
        before = timezone.now()
        assert tasks.send_mail() == 0
        assert tasks.send_mail() == 0  # not due again yet
        mail.refresh_from_db()
        assert mail.attempts == attempt
        assert "refused" in mail.error
        if mail.next_try_at:
            waits.append((mail.next_try_at - before).total_seconds())
            later(mail)
    assert waits == sorted(waits)
    assert len(waits) == ATTEMPTS_MAX - 1
    assert mail.given_up_at is not None
    assert mail.text
    assert mail_retry(mail_id=mail.pk)
    mail.refresh_from_db()
    assert (mail.given_up_at, mail.attempts) == (None, 0)


@pytest.mark.django_db
def test_a_retried_mail_arrives_when_the_server_is_back(alone, server, settings, rung):
    mail = write()
    server.refuse = {"MAIL FROM": "451 later"}
    tasks.send_mail()
    mail.refresh_from_db()
    assert "451 later" in mail.error
    server.refuse = {}
    later(mail)
    assert tasks.send_mail() == 1
    mail.refresh_from_db()
    assert (mail.error, mail.attempts) == ("", 2)


@pytest.mark.django_db
def test_an_address_that_the_server_refuses_for_good_is_given_up_at_once(alone, server, rung):
    mail = write()
    server.refuse = {"RCPT TO": "550 no such user"}
    tasks.send_mail()
    mail.refresh_from_db()
    assert mail.given_up_at is not None
    assert "550 no such user" in mail.error


@pytest.mark.django_db
def test_without_a_server_the_operator_reads_what_to_set(alone, settings, rung):
    settings.XROUTE_MAIL_SERVER = mail_url.parse("")
    mail = write()
    tasks.send_mail()
    mail.refresh_from_db()
    assert "Set EMAIL_URL=" in mail.error


@pytest.mark.django_db
def test_in_mailbox_mode_a_mail_is_kept_and_never_due(alone, rung, settings):
    settings.XROUTE_MAIL_SERVER = mail_url.parse("mailbox:")
    mail = write()
    assert mail.sent_at is not None
    assert mail.next_try_at is None
    assert mail_claim() is None
    assert mail.text


def test_two_workers_never_take_the_same_mail(make_person, django_db_blocker, server):
    """Eight workers at once over committed rows: each mail arrives once."""
    with django_db_blocker.unblock():
        to = f"{uuid4().hex}@example.com"
        for _ in range(20):
            write(to)
        bell._ringing.acquire(timeout=10)

        def work() -> None:
            try:
                tasks.send_mail()
            finally:
                connection.close()

        try:
            with ThreadPoolExecutor(8) as pool:
                for done in [pool.submit(work) for _ in range(8)]:
                    done.result()
        finally:
            bell._ringing.release()
        ours = OutgoingMail.objects.filter(to_email=to)
        assert ours.filter(sent_at=None).count() == 0
        assert sum(f"To: {to}" in text for text in server.arrived) == 20
        ours.delete()


@pytest.mark.django_db
def test_a_worker_that_dies_with_a_mail_loses_one_try_and_not_the_mail(alone, server, rung):
    mail = write()
    assert mail_claim() is not None  # and then it is gone
    assert mail_claim() is None
    later(mail)
    assert tasks.send_mail() == 1


@pytest.mark.django_db
def test_old_mails_are_forgotten_but_not_those_that_wait(alone, rung, settings):
    settings.XROUTE_MAIL_SERVER = mail_url.parse("smtp://127.0.0.1:1")
    waiting, over = write(), write()
    OutgoingMail.objects.update(created_at=timezone.now() - timedelta(days=40))
    OutgoingMail.objects.filter(pk=over.pk).update(next_try_at=None, given_up_at=timezone.now())
    assert mail_prune() == 1
    assert OutgoingMail.objects.get().pk == waiting.pk


@pytest.mark.django_db
def test_djangos_own_mails_go_the_same_way(alone, rung):
    django_send_mail("Sub\tject", "text", None, ["a@example.com", "b@example.com"])
    assert [row.to_email for row in OutgoingMail.objects.order_by("id")] == ["a@example.com", "b@example.com"]
    assert OutgoingMail.objects.first().subject == "Sub ject"
    assert live.EMAIL_BACKEND.endswith("OutboxBackend")


@pytest.mark.django_db
def test_a_mail_of_one_row_always_has_one_message_id(alone, rung):
    mail = write()
    mail.refresh_from_db()
    assert message_of(mail)["Message-ID"] == message_of(mail)["Message-ID"]


@pytest.mark.django_db
def test_a_password_is_not_sent_in_the_clear_to_another_machine(alone, monkeypatch, rung, settings, server):
    host, port = "127.0.0.1", server.server_address[1]
    monkeypatch.setattr(smtplib.SMTP, "login", lambda *_: pytest.fail("the password was sent"))
    monkeypatch.setattr("accounts.mail.delivery.is_loopback", lambda _: False)
    settings.XROUTE_MAIL_SERVER = mail_url.parse(f"smtp://ada:secret@{host}:{port}")
    mail = write()
    tasks.send_mail()
    mail.refresh_from_db()
    assert "the password was not sent" in mail.error


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://a:p%40ss@mail.acme.org", ("smtp", "mail.acme.org", 587, "a", "p@ss")),
        ("smtps://mail.acme.org", ("smtps", "mail.acme.org", 465, "", "")),
        ("smtp://mail.acme.org:2525", ("smtp", "mail.acme.org", 2525, "", "")),
        ("mailbox:", ("mailbox", "", 0, "", "")),
        ("", ("", "", 0, "", "")),
    ],
)
def test_email_urls_are_read(url, found):
    server = mail_url.parse(url)
    assert (server.scheme, server.host, server.port, server.user, server.password) == found
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize("url", ["http://mail.acme.org", "mail.acme.org:587", "smtp://", "smtp://h:x", "console"])
def test_other_email_urls_are_refused_with_the_fix(url):
    with pytest.raises(BadSetting, match=r"smtp://user:password@mail\.acme\.org:587"):
        mail_url.parse(url)


async def test_ringing_never_waits_and_rings_once_at_a_time(monkeypatch):
    held, entered = threading.Event(), []

    def hang(**_: object) -> None:
        entered.append(1)
        held.wait(30)

    monkeypatch.setattr(tasks.send_mail, "apply_async", hang)
    loop = asyncio.get_running_loop()
    before = loop.time()
    for _ in range(50):
        bell.ring()
    assert loop.time() - before < 10  # each would wait 30 s
    held.set()
    for thread in [thread for thread in threading.enumerate() if thread.name == "xroute-mail-bell"]:
        thread.join(30)
    assert entered == [1]
