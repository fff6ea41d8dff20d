"""`manage.py check --deploy` has nothing to say about a production environment that is set up."""

import os
import subprocess
import sys

import pytest

from xroute.embedded.home import PROJECT

PRODUCTION = {
    "STRIPE_SECRET_KEY": "",
    "STRIPE_API_BASE": "",
    "XROUTE_MODE": "production",
    "PUBLIC_URL": "https://api.acme.org",
    "ALLOWED_HOSTS": "api.acme.org",
    "EMAIL_URL": "smtps://ada:secret@mail.acme.org",
}


def check(**changed: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    env = os.environ | PRODUCTION | changed
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)


def test_a_production_environment_is_clean():
    done = check()
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"EMAIL_URL": ""}, "EMAIL_URL is not set"),
        ({"PUBLIC_URL": "http://api.acme.org"}, "SESSION_COOKIE_SECURE"),
        ({"EMAIL_URL": "imap://mail.acme.org"}, "Write it like smtp://"),
        ({"SIGNUP_CREDIT_USD": "one"}, "SIGNUP_CREDIT_USD is 'one'"),
    ],
)
def test_what_is_missing_is_named(changed, said):
    done = check(**changed)
    assert done.returncode != 0
    assert said in done.stderr
