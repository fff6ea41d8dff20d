"""The emulator is for this machine, for demo and for tests: nothing else reaches it, and nothing else starts it."""

import os
import subprocess
import sys

import httpx
import pytest

from xroute.embedded.home import PROJECT

PATHS = ["/healthz", "/v1/events", "/c/style.css", "/c/pay/cs_test_x", "/"]
FOREIGN = [
    {"Host": "xroute.example.com"},
    {"Host": "localhost.example.com"},
    {"Host": "127.0.0.1.nip.io"},
    {"X-Forwarded-For": "192.0.2.1"},
    {"Forwarded": "for=192.0.2.1"},
    {"X-Real-IP": "192.0.2.1"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_from_here_is_refused(fake, path, headers):
    headers = {"Authorization": f"Bearer {fake.key}"} | headers
    assert httpx.get(fake.url + path, headers=headers, trust_env=False).status_code == 403


def run(tmp_path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "xroute.embedded.stripe", "--port", "0", "--store", str(tmp_path / "store")]
    env = os.environ | environment
    return subprocess.run([*command, *arguments], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "::1", "192.0.2.1"])
def test_other_hosts_are_refused(tmp_path, host):
    done = run(tmp_path, "--host", host)
    assert done.returncode == 2
    assert "127.0.0.1 only" in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"XROUTE_MODE": "production"}, "demo or test only"),
        ({"XROUTE_MODE": ""}, "demo or test only"),
        ({"STRIPE_SECRET_KEY": "sk_test_51real"}, "its own STRIPE_SECRET_KEY"),
        ({"STRIPE_SECRET_KEY": ""}, "its own STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET"),
    ],
)
def test_it_starts_for_demo_and_tests_only(tmp_path, environment, said):
    done = run(tmp_path, **environment)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "store").exists()
