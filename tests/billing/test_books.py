"""Books of one mode are never served by another, and never by a server that may forget what it has committed."""

import os
import subprocess
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from tests.servers import SUPERUSER, fresh_database, superuser_url
from xroute.embedded import postgres
from xroute.embedded.home import PROJECT, open_home
from xroute.embedded.postgres import APPLICATION

WEB = ("-m", "xroute.web", "--port", "0")
CELERY = ("-m", "celery", "-A", "xroute", "worker", "--pool=threads", "--concurrency=1")
CREATE_KEY = ("manage.py", "create_key", "you@example.com", "--credit", "5")
LIVE = {
    "XROUTE_MODE": "production",
    "ALLOWED_HOSTS": "api.acme.org",
    "STRIPE_SECRET_KEY": "",
    "STRIPE_API_BASE": "",
    "EMAIL_URL": "smtp://127.0.0.1:25",
}
STRIPE_TEST = {"STRIPE_SECRET_KEY": "sk_test_51NotAKeyOfAnybody00"}


@pytest.fixture
def urls() -> dict[str, str]:
    """A database of our own; its books are stamped test."""
    return fresh_database(f"books_{uuid4().hex}")


def start(command: tuple[str, ...], **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def refused(command: tuple[str, ...], **environment: str) -> str:
    done = start(command, **environment)
    assert done.returncode, done
    assert "XRoute cannot start: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [WEB, CELERY, CREATE_KEY], ids=["web", "celery", "command"])
@pytest.mark.parametrize(("mode", "ours"), [({"XROUTE_MODE": "demo"}, "demo"), (LIVE, "live")], ids=["demo", "live"])
def test_books_of_another_mode_are_left_alone(command, mode, ours, urls):
    sentence = f"These books are stamped 'test', but XROUTE_MODE and the Stripe key make this a {ours!r} process"
    assert sentence in refused(command, **mode, **urls)
    with psycopg.connect(urls["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT count(*) FROM accounts_apikey").fetchone() == (0,)


def test_migrate_does_not_stamp_them_anew(urls):
    done = start(("manage.py", "migrate", "-v", "0"), **LIVE, **urls)
    assert done.returncode
    assert "stamped 'test'" in done.stderr


def test_production_with_a_test_key_of_stripe_has_test_books(urls):
    done = start(CREATE_KEY, **(LIVE | STRIPE_TEST), **urls)
    assert done.returncode == 0, done.stderr


def test_a_database_without_books_says_what_to_do():
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = superuser_url(name)
    assert "Run `manage.py migrate` first." in refused(WEB, DATABASE_URL=url, MIGRATION_DATABASE_URL=url)


def test_commits_that_do_not_wait_for_the_disk_are_refused(urls):
    name = urlsplit(urls["DATABASE_URL"]).path[1:]
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as conn:
        conn.execute(f"ALTER ROLE {APPLICATION} IN DATABASE {name} SET synchronous_commit = off")
    assert "PostgreSQL runs with synchronous_commit = off; the ledger needs it on." in refused(WEB, **urls)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_may_forget_is_refused(name, open_folder, monkeypatch):
    monkeypatch.setitem(postgres.OPTIONS, name, "off")
    server = open_home(open_folder).postgres()
    server.start()
    try:
        url = server.url(SUPERUSER)
        assert f"PostgreSQL runs with {name} = off" in refused(WEB, DATABASE_URL=url, MIGRATION_DATABASE_URL=url)
    finally:
        server.stop()
