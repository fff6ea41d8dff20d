"""The set-up link, over real HTTP on an empty installation, and the steps after it."""

import asyncio
import re
import subprocess
import sys
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.test import Client

from accounts.installation import site_forget
from accounts.models import Installation, OutgoingMail, User
from accounts.services_operator import operator_make
from tests.servers import fresh_database
from xroute.embedded.home import PROJECT

STEPS = ("name", "address", "signup", "mail", "provider")
PASSWORD = "correct horse battery"


def manage(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "django", *command], env=environment, cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def form(page: str) -> dict[str, str]:
    return {
        name: re.search(rf'name="{name}" value="([^"]+)"', page).group(1) for name in ("csrfmiddlewaretoken", "token")
    }


@pytest.fixture
def operator(db) -> Client:
    user = operator_make(email=f"{uuid4().hex}@example.com", password=PASSWORD)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    site_forget()
    yield client
    site_forget()


async def test_two_uses_at_once_make_one_operator(web_factory):
    """Twelve people with the same link press the button at the same moment."""
    database = fresh_database(f"setup_{uuid4().hex[:10]}")
    web = web_factory(**database)
    link = manage(web.environment, "setup_link")
    path = link.partition("//")[2].partition("/")[2]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_claim(web.url, path, number)) for number in range(12)]
    answers = [task.result() for task in tasks]
    assert sorted(answer.status_code for answer in answers) == [302] + [410] * 11
    with psycopg.connect(database["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT count(*) FROM accounts_user WHERE is_staff").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM accounts_user").fetchone() == (1,)
    assert manage(web.environment, "setup_link") == ""
    token = path.partition("token=")[2]
    assert token not in web.log.read_text()
    assert PASSWORD not in web.log.read_text()


async def _claim(url: str, path: str, number: int) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        page = await client.get(f"/{path}")
        assert page.headers["referrer-policy"] == "strict-origin"
        assert "no-store" in page.headers["cache-control"]
        values = form(page.text) | {"email": f"op{number}@example.com", "password": PASSWORD}
        answer = await client.post("/setup", data=values)
        if answer.status_code == 302:
            signed_in = await client.get(answer.headers["location"])
            assert "Step 2 of 6" in signed_in.text
        return answer


def test_a_wrong_link_says_what_to_do(db):
    for path in ("/setup", "/setup?token=", "/setup?token=nothing", f"/setup?token={'x' * 5000}"):
        answer = Client().get(path)
        assert answer.status_code == 410
        assert b"manage.py setup_link" in answer.content


def test_a_bad_form_keeps_the_link_good(db):
    User.objects.update(is_staff=False)
    from accounts.services_operator import setup_token_create, setup_token_valid

    token = setup_token_create()
    answer = Client().post("/setup", {"token": token, "email": "op@example.com", "password": "short"})
    assert (answer.status_code, b"at least 10 characters" in answer.content) == (422, True)
    assert b'value="short"' not in answer.content
    assert setup_token_valid(token=token)


@pytest.mark.parametrize("step", STEPS)
def test_the_steps_are_the_operators_alone(db, step, owner, broke, member, stranger):
    assert Client().get(f"/setup/{step}").headers["Location"].startswith("/account/login/")
    for person in (owner, broke, member, stranger):
        client = Client()
        client.force_login(User.objects.get(pk=person.user_id))
        assert client.get(f"/setup/{step}").status_code == 403
        assert client.post(f"/setup/{step}", {"site_name": "Taken"}).status_code == 403
        assert client.post("/setup/done").status_code == 403
    assert not Installation.objects.filter(site_name="Taken").exists()


def test_each_step_can_be_skipped_or_saved(operator):
    for number, step in enumerate(STEPS):
        page = operator.get(f"/setup/{step}").content.decode()
        assert f"Step {number + 2} of 6" in page
        if step != "provider":
            assert f'href="/setup/{STEPS[number + 1]}">Skip' in page
    assert operator.post("/setup/name", {"site_name": "Acme AI"}).headers["Location"] == "/setup/address"
    posted = operator.post("/setup/signup", {"signup": "domain", "signup_domains": "Acme.org, b.example"})
    assert posted.headers["Location"] == "/setup/mail"
    row = Installation.objects.get()
    assert (row.site_name, row.signup, row.set_up_at) == ("Acme AI", "domain:acme.org,b.example", None)
    assert b"Acme AI" in operator.get("/setup/mail").content
    operator.post("/setup/done")
    row.refresh_from_db()
    assert row.set_up_at is not None


def test_an_address_that_would_not_answer_is_refused(operator):
    for wrong in ("https://elsewhere.example", "ftp://localhost", "http://localhost/path", "http://me@localhost", "x"):
        assert operator.post("/setup/address", {"public_url": wrong}).status_code == 422
    assert not Installation.objects.exclude(public_url="").exists()
    assert operator.post("/setup/address", {"public_url": "http://localhost:9/"}).status_code == 302
    assert Installation.objects.get().public_url == "http://localhost:9"


def test_the_default_address_is_not_stored_as_it_follows_the_port(operator, settings):
    operator.post("/setup/address", {"public_url": settings.PUBLIC_URL})
    assert Installation.objects.get().public_url == ""


def test_a_test_mail_goes_to_the_operator_from_the_sender_just_saved(operator):
    answer = operator.post("/setup/mail", {"from_email": "Acme <ai@acme.org>", "action": "test"})
    assert answer.headers["Location"] == "/setup/mail"
    sent = OutgoingMail.objects.latest("id")
    assert sent.from_email == "Acme <ai@acme.org>"
    assert [sent.to_email] == [User.objects.get(is_staff=True, pk=operator.session["_auth_user_id"]).email]


def test_a_sender_cannot_smuggle_headers(operator):
    answer = operator.post("/setup/mail", {"from_email": "a@acme.org\nBcc: b@acme.org"})
    assert answer.status_code == 422
    assert not Installation.objects.exclude(from_email="").exists()
